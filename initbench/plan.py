"""Experiment to trials to stacks.

A trial is everything that decides one training run, and nothing else; its id is a hash of that content. Trials come in
the order of the axes: datasets outermost, then networks, activations and recipes, then schemes, and seeds innermost.
Trials that differ in scheme and seeds alone are neighbours: they form a group, and stacks are cut from groups.

The sequence of trials is lazy: a trial is made when it is asked for, so that a plan of a million costs nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import ceil, prod
from pathlib import Path
from typing import Any, overload

from initbench.activations import Activation
from initbench.component import Component, inline
from initbench.config import Experiment, Observation, Recipe
from initbench.datasets import Dataset
from initbench.inits import Init
from initbench.networks import Network

NUMERICS = 1
"""Raised when the arithmetic of training changes: records of another version are not reused."""

ID_LENGTH = 16
SMALLEST_STACK = 3

_RECIPE_AXES = ("optimizer", "schedule", "batch_size", "epochs", "steps", "weight_decay", "grad_clip", "dtype")
_COMPONENTS = ("init", "dataset", "network", "activation", "optimizer", "schedule")

Limit = int | Callable[["Trial"], int]
"""The most trials that one stack may hold: a number, or a function of the first trial of a group."""


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
        return _hash({**self._content(), "numerics": NUMERICS})

    @property
    def init_label(self) -> str:
        """The scheme's inline form."""
        return self.init.label

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
        scalars = {name: getattr(self.recipe, name) for name in _RECIPE_AXES[2:]}
        return {
            **{kind: component.label for kind, component in named.items()},
            **options,
            **scalars,
            "seed": self.seed,
            "data_seed": self.data_seed,
        }

    def _components(self) -> dict[str, Component]:
        recipe = self.recipe
        own = {"init": self.init, "dataset": self.dataset, "network": self.network, "activation": self.activation}
        return {**own, "optimizer": recipe.optimizer, "schedule": recipe.schedule}

    def _content(self) -> dict[str, object]:
        components = {kind: component.dump() for kind, component in self._components().items()}
        # A dataset counts by its samples: where a file lies, or how it is called, decides nothing.
        components["dataset"] = {"name": self.dataset.component_name(), "samples": self.data_fingerprint}
        return {
            **components,
            "recipe": self.recipe.model_dump(mode="json", exclude={"optimizer", "schedule"}),
            "observation": self.observation.model_dump(mode="json"),
            "seed": self.seed,
            "data_seed": self.data_seed,
        }


@dataclass(frozen=True)
class StackPlan:
    """Trials alike but for scheme and seeds, to be trained in lock-step."""

    trials: tuple[Trial, ...]

    @cached_property
    def id(self) -> str:
        """A hash of the trials' ids."""
        return _hash([trial.id for trial in self.trials])


class Trials(Sequence[Trial]):
    """The trials of an experiment, each made when it is asked for."""

    def __init__(self, experiment: Experiment, fingerprints: dict[Dataset, str]) -> None:
        self._experiment = experiment
        self._fingerprints = fingerprints
        self._seeds = experiment.seed_pairs
        self._recipes = tuple(_recipes(experiment))
        axes = (experiment.dataset, experiment.network, experiment.activation, self._recipes, experiment.init)
        self._sizes = (*map(len, axes), len(self._seeds))

    @property
    def group(self) -> int:
        """The number of neighbours that differ in scheme and seeds alone."""
        return self._sizes[-2] * self._sizes[-1]

    def __len__(self) -> int:
        return prod(self._sizes)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Trial, ...]: ...
    def __getitem__(self, index: int | slice) -> Trial | tuple[Trial, ...]:
        """One trial, or a tuple of some."""
        if isinstance(index, slice):
            return tuple(self._trial(i) for i in range(len(self))[index])
        return self._trial(range(len(self))[index])

    def _trial(self, index: int) -> Trial:
        position = []
        for size in reversed(self._sizes):
            index, digit = divmod(index, size)
            position.append(digit)
        seeds, init, recipe, activation, network, dataset = position
        experiment = self._experiment
        seed, data_seed = self._seeds[seeds]
        return Trial(
            dataset=experiment.dataset[dataset],
            network=experiment.network[network],
            activation=experiment.activation[activation],
            init=experiment.init[init],
            recipe=self._recipes[recipe],
            observation=experiment.observation,
            seed=seed,
            data_seed=data_seed,
            data_fingerprint=self._fingerprints[experiment.dataset[dataset]],
        )


@dataclass(frozen=True)
class Plan:
    """The trials of an experiment in order, and ``axes``: the columns along which they differ besides the seeds."""

    trials: Trials
    axes: tuple[str, ...]

    def stacks(self, limit: Limit) -> tuple[StackPlan, ...]:
        """Every trial in one stack of at most ``limit``.

        The cut depends on the plan and the limit alone, never on workers or on what is already done, so that resumed
        runs repeat the same arithmetic. Within a group, trials that share batches are neighbours. Where the group is
        large enough the number of stacks is even and none is smaller than 3, which keeps two cores equally busy.
        """
        return tuple(self._cut(limit))

    def _cut(self, limit: Limit) -> Iterator[StackPlan]:
        size = self.trials.group
        for start in range(0, len(self.trials), size):
            group = self.trials[start : start + size]
            order = sorted(group, key=lambda trial: (trial.data_seed, trial.seed))  # stable: schemes keep their order
            most = limit if isinstance(limit, int) else limit(group[0])
            for first, last in _bounds(size, most):
                yield StackPlan(tuple(order[first:last]))


def plan(experiment: Experiment, data_dir: Path) -> Plan:
    """The plan of an experiment. Raises DatasetError where samples are missing or damaged."""
    fingerprints = {dataset: dataset.fingerprint(data_dir) for dataset in experiment.dataset}
    return Plan(trials=Trials(experiment, fingerprints), axes=tuple(_axes(experiment)))


def _recipes(experiment: Experiment) -> Iterator[Recipe]:
    values = [getattr(experiment, name) or (None,) for name in _RECIPE_AXES]
    for point in product(*values):
        yield Recipe(**dict(zip(_RECIPE_AXES, point, strict=True)))


def _axes(experiment: Experiment) -> Iterator[str]:
    """``init`` first; of other components the options that vary, or the component where its kind varies too."""
    yield "init"
    for kind in _COMPONENTS[1:]:
        components: tuple[Component, ...] = getattr(experiment, kind)
        if len({type(component) for component in components}) > 1:
            yield kind
        else:
            options = [component.options() for component in components]
            yield from (f"{kind}.{name}" for name in options[0] if any(o[name] != options[0][name] for o in options))
    yield from (name for name in _RECIPE_AXES[2:] if len(getattr(experiment, name) or ()) > 1)


def _bounds(count: int, limit: int) -> Iterator[tuple[int, int]]:
    """Cut ``count`` trials into stacks of nearly equal size: (first, end) of each."""
    stacks = ceil(count / limit)
    even = stacks + stacks % 2
    if count // even >= SMALLEST_STACK:
        stacks = even
    small, larger = divmod(count, stacks)
    first = 0
    for index in range(stacks):
        end = first + small + (index < larger)
        yield first, end
        first = end


def _hash(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:ID_LENGTH]
