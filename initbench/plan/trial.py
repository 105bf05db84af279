"""One training run and its identity.

The id of a trial is a hash of its content, written as JSON with sorted keys. Trials of one cell of a sweep share all of
that text but their seeds, so a plan of many writes it once for each cell (``Identity``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from initbench.activations import Activation
from initbench.component import Component, inline
from initbench.config import SCALARS, Observation, Recipe
from initbench.datasets import Dataset
from initbench.inits import Init
from initbench.networks import Network

NUMERICS = 3
"""Raised when the arithmetic of training changes: records of another version are not reused."""

ID_LENGTH = 16


@dataclass(frozen=True)
class Trial:
    """One training run. ``data_fingerprint`` stands for the samples themselves."""

    dataset: Dataset
    network: Network
    activation: Activation
    init: Init
    recipe: Recipe
    observation: Observation
    seed: int
    data_seed: int
    data_fingerprint: str

    @cached_property
    def id(self) -> str:
        """A hash of the content: equal trials have equal ids in any process, on any machine."""
        texts = {kind: component_text(component) for kind, component in self._components().items()}
        texts["dataset"] = dataset_text(self.dataset, self.data_fingerprint)
        scalars = {name: getattr(self.recipe, name) for name in SCALARS}
        return Identity.of({**texts, "recipe": text(scalars)}, self.observation).id(self.seed, self.data_seed)

    def columns(self) -> dict[str, Any]:
        """The columns of ``outcomes`` that describe the trial.

        Components by label and by dotted option. ``steps`` is None where the length is given in epochs: the number of
        updates is then known to the training loop.
        """
        named = self._components()
        options = {
            f"{kind}.{option}": inline(value) if isinstance(value, tuple) else value
            for kind, component in named.items()
            for option, value in component.options().items()
        }
        scalars = {name: getattr(self.recipe, name) for name in SCALARS}
        return {
            **{kind: component.label for kind, component in named.items()},
            **options,
            **scalars,
            "seed": self.seed,
            "data_seed": self.data_seed,
        }

    def column(self, name: str) -> Any:
        """One of ``columns``, by itself: a component's label, one of its options, or a part of the recipe."""
        kind, _, option = name.partition(".")
        if kind in SCALARS:
            return getattr(self.recipe, kind)
        component = getattr(self.recipe if kind in ("optimizer", "schedule") else self, kind)
        if not option:
            return component.label
        value = getattr(component, option)
        return inline(value) if isinstance(value, tuple) else value

    def _components(self) -> dict[str, Component]:
        recipe = self.recipe
        own = {"init": self.init, "dataset": self.dataset, "network": self.network, "activation": self.activation}
        return {**own, "optimizer": recipe.optimizer, "schedule": recipe.schedule}


@dataclass(frozen=True)
class Identity:
    """The content of a cell of a sweep as text, in three pieces with the data seed and the seed between them."""

    before: str
    between: str
    after: str

    @classmethod
    def of(cls, texts: Mapping[str, str], observation: Observation) -> Identity:
        """From the canonical text of each part: the six components and the recipe."""
        seeds = {"data_seed": "\0", "seed": "\0"}  # JSON holds no such character, so it marks the gaps
        shared = {"numerics": text(NUMERICS), "observation": text(observation.model_dump(mode="json"))}
        content = sorted({**texts, **shared, **seeds}.items())
        return cls(*("{" + ",".join(f'"{name}":{part}' for name, part in content) + "}").split("\0"))

    def id(self, seed: int, data_seed: int) -> str:
        """The id of one trial of the cell."""
        return digest(f"{self.before}{data_seed}{self.between}{seed}{self.after}")


def component_text(component: Component) -> str:
    """A component as it counts in ids."""
    return text(component.dump())


def dataset_text(dataset: Dataset, fingerprint: str) -> str:
    """A dataset counts by its samples: where a file lies, or how it is called, decides nothing."""
    return text({"name": dataset.component_name(), "samples": fingerprint})


def text(content: object) -> str:
    """Plain values as canonical JSON."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(content: str) -> str:
    """The hash of a text, shortened."""
    return hashlib.sha256(content.encode()).hexdigest()[:ID_LENGTH]
