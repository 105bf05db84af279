"""The trials of an experiment: a product of axes whose points are made when they are asked for.

Trials come in the order of the axes: datasets outermost, then networks, activations and the parts of the recipe, then
schemes, and seeds innermost. Trials that differ in scheme and seeds alone are neighbors: they form a *group*; those
that differ in seeds alone are a *cell*.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from math import prod
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from initbench.config import SCALARS, Experiment, Recipe
from initbench.datasets import Dataset
from initbench.plan.trial import Identity, Trial, component_text, dataset_text, text

GROUPS = ("dataset", "network", "activation", *Recipe.model_fields)
"""The axes that tell groups apart, the outermost first."""


class Trials(Sequence[Trial]):
    """The trials of an experiment, each made when it is asked for."""

    def __init__(self, experiment: Experiment, fingerprints: Mapping[Dataset, str]) -> None:
        self._experiment = experiment
        self._fingerprints = fingerprints
        self._axes: dict[str, tuple[Any, ...]] = {name: getattr(experiment, name) or (None,) for name in GROUPS}
        self.seed_pair = experiment.seed_pair
        self.schemes = len(experiment.init)
        self.seeds = experiment.repetitions
        self.shape = tuple(map(len, self._axes.values()))

    @property
    def fingerprints(self) -> dict[str, str]:
        """What stands for the samples of each dataset, by its label."""
        return {dataset.label: fingerprint for dataset, fingerprint in self._fingerprints.items()}

    @property
    def group(self) -> int:
        """The number of neighbors that differ in scheme and seeds alone."""
        return self.schemes * self.seeds

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return prod(self.shape)

    def __len__(self) -> int:
        return self.groups * self.group

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Trial, ...]: ...
    def __getitem__(self, index: int | slice) -> Trial | tuple[Trial, ...]:
        """One trial, or a tuple of some."""
        if isinstance(index, slice):
            return tuple(self._trial(i) for i in range(len(self))[index])
        return self._trial(range(len(self))[index])

    def ids(self) -> Iterator[str]:
        """The ids of all trials in order: of a million in a few seconds."""
        seeds = [self.seed_pair(index) for index in range(self.seeds)]
        texts = {**self._texts, "init": [component_text(init) for init in self._experiment.init]}
        for parts in product(*texts.values()):
            cell = dict(zip(texts, parts, strict=True))
            recipe = "{" + ",".join(f'"{name}":{cell.pop(name)}' for name in sorted(SCALARS)) + "}"
            identity = Identity.of({**cell, "recipe": recipe}, self._experiment.observation)
            yield from (identity.id(*pair) for pair in seeds)

    def by_group(self, value: Callable[[Trial], float], axes: Collection[str]) -> NDArray[Any]:
        """A number for each group, where ``value`` is a function of what stands on these of the outer ``axes``.

        It is asked of one trial for each combination. The array has a dimension for each of ``GROUPS``, of length 1
        where the number does not depend on that axis.
        """
        return np.array([value(trial) for trial in self.representatives(axes)]).reshape(self._shape_along(axes))

    def representatives(self, axes: Collection[str]) -> Iterator[Trial]:
        """A trial for each combination of what stands on these of the outer ``axes``, in the order of ``by_group``."""
        return (self._at(point, 0, 0) for point in np.ndindex(*self._shape_along(axes)))

    def _shape_along(self, axes: Collection[str]) -> list[int]:
        return [size if name in axes else 1 for name, size in zip(GROUPS, self.shape, strict=True)]

    @property
    def seed_columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The seed and the data seed of every repetition."""
        seeds, data = np.array(self._experiment.seeds), self._experiment.data_seed
        return (seeds, seeds) if data is None else (np.repeat(seeds, len(data)), np.tile(data, len(seeds)))

    @cached_property
    def _texts(self) -> dict[str, list[str]]:
        """The canonical text of every value on the outer axes."""
        texts = {name: [text(value) for value in self._axes[name]] for name in SCALARS}
        for kind in ("network", "activation", "optimizer", "schedule"):
            texts[kind] = [component_text(component) for component in self._axes[kind]]
        texts["dataset"] = [dataset_text(dataset, self._fingerprints[dataset]) for dataset in self._axes["dataset"]]
        return {name: texts[name] for name in GROUPS}

    def _trial(self, index: int) -> Trial:
        group, member = divmod(index, self.group)
        scheme, seed = divmod(member, self.seeds)
        point = []
        for size in reversed(self.shape):
            group, digit = divmod(group, size)
            point.append(digit)
        return self._at(point[::-1], scheme, seed)

    def _at(self, point: Sequence[int], scheme: int, repetition: int) -> Trial:
        values = {name: axis[digit] for (name, axis), digit in zip(self._axes.items(), point, strict=True)}
        seed, data_seed = self.seed_pair(repetition)
        return Trial(
            dataset=values["dataset"],
            network=values["network"],
            activation=values["activation"],
            init=self._experiment.init[scheme],
            recipe=Recipe(**{name: values[name] for name in Recipe.model_fields}),
            observation=self._experiment.observation,
            seed=seed,
            data_seed=data_seed,
            data_fingerprint=self._fingerprints[values["dataset"]],
        )
