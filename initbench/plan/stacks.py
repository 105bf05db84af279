"""Groups of trials cut into stacks, each made when it is asked for.

The cut depends on the plan and a limit alone, never on workers or on what is already done, so that resumed runs repeat
the same arithmetic. Within a group, trials that share batches are neighbors. Where the group is large enough the number
of stacks is even and none is smaller than 3, which keeps two cores equally busy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from initbench.plan.trial import Trial, digest, text
from initbench.plan.trials import Trials

SMALLEST_STACK = 3

Limit = int | Callable[[Trial], int]
"""The most trials that one stack may hold: a number, or a function of the first trial of a group.

The function may look at ``LIMITING`` alone: where groups are many, it is asked once for each combination of these.
"""
LIMITING = ("dataset", "network", "activation", "batch_size", "dtype")

Positions = NDArray[np.int64]


@dataclass(frozen=True)
class StackPlan:
    """Trials alike but for scheme and seeds, to be trained in lock-step."""

    trials: tuple[Trial, ...]

    @cached_property
    def id(self) -> str:
        """A hash of the trials' ids."""
        return digest(text([trial.id for trial in self.trials]))


class Stacks(Sequence[StackPlan]):
    """Every trial of a plan in one stack."""

    def __init__(self, trials: Trials, limit: Limit) -> None:
        self._trials = trials
        limits = limit if callable(limit) else lambda _: limit
        size = trials.group
        self.counts = trials.by_group(lambda trial: number(size, limits(trial)), LIMITING if callable(limit) else ())
        """The number of stacks in each group, in the form of ``Trials.by_group``."""

    def __len__(self) -> int:
        return int(self.counts.sum()) * (self._trials.groups // self.counts.size)

    @overload
    def __getitem__(self, index: int) -> StackPlan: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[StackPlan, ...]: ...
    def __getitem__(self, index: int | slice) -> StackPlan | tuple[StackPlan, ...]:
        """One stack, or a tuple of some."""
        if isinstance(index, slice):
            return tuple(self._stack(i) for i in range(len(self))[index])
        return self._stack(range(len(self))[index])

    def holding(self, chosen: NDArray[np.bool_]) -> Positions:
        """The positions of the stacks that hold a chosen trial; ``chosen`` has a flag for each trial of the plan."""
        trials = self._trials
        flags = chosen.reshape(trials.groups, trials.schemes, trials.seeds)[:, :, self._by_batches]
        ordered = flags.transpose(0, 2, 1).ravel()
        return np.flatnonzero(np.logical_or.reduceat(ordered, self._starts)) if len(ordered) else np.zeros(0, np.int64)

    def group_of(self, positions: Positions) -> Positions:
        """The group that each stack is cut from."""
        return np.searchsorted(self._ends, positions, side="right").astype(np.int64)

    def positions(self, index: int) -> list[int]:
        """Where in the plan the trials of a stack stand."""
        trials = self._trials
        group = int(np.searchsorted(self._ends, index, side="right"))
        first_stack = int(self._ends[group - 1]) if group else 0
        stacks = int(self._ends[group]) - first_stack
        first, end = (start(trials.group, stacks, place) for place in (index - first_stack, index - first_stack + 1))
        return [self._position(group, place) for place in range(first, end)]

    def _stack(self, index: int) -> StackPlan:
        return StackPlan(tuple(self._trials[position] for position in self.positions(index)))

    def _position(self, group: int, place: int) -> int:
        """Where in the plan the trial stands that is at this place in the order of its group's stacks."""
        repetition, scheme = divmod(place, self._trials.schemes)
        cell = group * self._trials.schemes + scheme
        return cell * self._trials.seeds + int(self._by_batches[repetition])

    @cached_property
    def _by_batches(self) -> Positions:
        """The repetitions in the order in which stacks take them up: those with the same batches are neighbors."""
        seeds, data_seeds = self._trials.seed_columns
        return np.lexsort((seeds, data_seeds)).astype(np.int64)

    @cached_property
    def _ends(self) -> Positions:
        """For each group, the number of stacks up to its end."""
        return np.cumsum(np.broadcast_to(self.counts, self._trials.shape), dtype=np.int64)

    @cached_property
    def _starts(self) -> Positions:
        """For each stack, the number of trials before it."""
        size = self._trials.group
        counts = np.diff(self._ends, prepend=0)
        group = np.repeat(np.arange(len(counts)), counts)
        inside = np.arange(len(group)) - (self._ends - counts)[group]
        starts: Positions = group * size + start(size, counts[group], inside)
        return starts


def number(count: int, limit: int) -> int:
    """How many stacks of nearly equal size ``count`` trials make."""
    stacks = ceil(count / limit)
    even = stacks + stacks % 2
    return even if count // even >= SMALLEST_STACK else stacks


def start(count: int, stacks: Any, index: Any) -> Any:
    """The number of trials before a stack, of ``count`` in all; for numbers or arrays of them."""
    return index * (count // stacks) + np.minimum(index, count % stacks)
