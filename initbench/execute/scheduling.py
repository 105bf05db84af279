"""What a run will do: the plan of an experiment, held against what its results folder has already.

Nothing is listed: a plan may have a million trials. Where the folder is empty all counts are arithmetic; where it is
not, the plan's ids are gone through once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from initbench.config import Experiment
from initbench.execute.resources import resolve_device, stack_limit
from initbench.plan import Plan, StackPlan, Stacks, Trial, plan
from initbench.records import ResultsFolder

T = TypeVar("T", covariant=True)


class Chosen(Sequence[T]):
    """Some elements of a sequence, by their positions in it; each is made when it is asked for."""

    def __init__(self, source: Sequence[T], positions: range | NDArray[np.int64]) -> None:
        self._source = source
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Chosen[T]: ...
    def __getitem__(self, index: int | slice) -> T | Chosen[T]:
        """One element, or some of them."""
        if isinstance(index, slice):
            return Chosen(self._source, self.positions[index])
        return self._source[int(self.positions[index])]


@dataclass(frozen=True)
class Schedule:
    """What a run will do: its plan cut into stacks, and which trials the folder holds already."""

    experiment: Experiment
    plan: Plan
    stacks: Stacks
    done: frozenset[str]
    folder: ResultsFolder
    device: str
    data_dir: Path

    @property
    def missing(self) -> Chosen[Trial]:
        """The trials that have no records yet."""
        held = self.held
        return Chosen(self.plan.trials, range(len(self.plan.trials)) if held is None else np.flatnonzero(~held))

    @cached_property
    def pending(self) -> Chosen[StackPlan]:
        """The stacks with a missing trial. Each is trained whole, so that resuming repeats the same arithmetic."""
        held = self.held
        return Chosen(self.stacks, range(len(self.stacks)) if held is None else self.stacks.holding(~held))

    @cached_property
    def held(self) -> NDArray[Any] | None:
        """For each trial of the plan, whether the folder holds it already; None where it holds nothing at all."""
        if not self.done:
            return None
        flags = (trial in self.done for trial in self.plan.trials.ids())
        return np.fromiter(flags, bool, len(self.plan.trials))


def schedule(experiment: Experiment, folder: Path, data_dir: Path) -> Schedule:
    """Plan an experiment against what its results folder holds. Nothing is written and nothing is trained."""
    results = ResultsFolder(folder)
    planned = plan(experiment, data_dir)
    device = resolve_device(experiment.device)
    specs = {dataset.label: dataset.spec(data_dir) for dataset in experiment.dataset}
    return Schedule(
        experiment=experiment,
        plan=planned,
        stacks=planned.stacks(lambda trial: stack_limit(trial, specs, device)),
        done=results.finished(),
        folder=results,
        device=device,
        data_dir=data_dir,
    )
