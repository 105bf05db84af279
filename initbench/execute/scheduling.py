"""What a run will do: the plan of an experiment, held against what its results folder has already.

Nothing is listed: a plan may have a million trials. Where the folder is empty all counts are arithmetic; where it is
not, the plan's ids are gone through once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress
from pathlib import Path
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from initbench.config import Experiment
from initbench.execute import limits
from initbench.execute.resources import resolve_device, stack_limit
from initbench.execute.shards import WHOLE, Shard
from initbench.plan import NUMERICS, Plan, StackPlan, Stacks, Trial, plan
from initbench.records import Portion, ResultsFolder

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
    """What a run will do: its plan cut into stacks, and which trials the folder holds already.

    Of a plan in shards it does the stacks of one ``shard``.
    """

    experiment: Experiment
    plan: Plan
    stacks: Stacks
    done: frozenset[str]
    folder: ResultsFolder
    device: str
    data_dir: Path
    shard: Shard = WHOLE

    @cached_property
    def trials(self) -> Chosen[Trial]:
        """The trials that are to have records in the end, in the order of the plan."""
        return Chosen(self.plan.trials, range(len(self.plan.trials)) if self.own is None else np.flatnonzero(self.own))

    @property
    def missing(self) -> Chosen[Trial]:
        """The trials that have no records yet."""
        if self.held is None:
            return self.trials
        return Chosen(self.plan.trials, np.flatnonzero(~self.held if self.own is None else self.own & ~self.held))

    @cached_property
    def pending(self) -> Chosen[StackPlan]:
        """The stacks with a missing trial. Each is trained whole, so that resuming repeats the same arithmetic."""
        own = self.shard.positions(len(self.stacks))
        if self.held is None:
            return Chosen(self.stacks, own)
        positions = self.stacks.holding(~self.held)
        return Chosen(self.stacks, positions[positions % self.shard.of == own.start])

    def ids(self) -> Iterator[str]:
        """The ids of ``trials``."""
        ids = self.plan.trials.ids()
        return ids if self.own is None else compress(ids, self.own)

    @property
    def portion(self) -> Portion | None:
        """What the manifest says of a shard; None where there is nothing but this one."""
        if self.own is None:
            return None
        samples = {f"the samples of {label}": samples for label, samples in self.plan.trials.fingerprints.items()}
        return Portion(
            shards=(str(self.shard),),
            planned=len(self.plan.trials),
            positions=tuple(np.flatnonzero(self.own).tolist()),
            basis={"the numerics": str(NUMERICS), "the device": self.device, **samples},
        )

    @cached_property
    def held(self) -> NDArray[Any] | None:
        """For each trial of the plan, whether the folder holds it already; None where it holds nothing at all."""
        if not self.done:
            return None
        flags = (trial in self.done for trial in self.plan.trials.ids())
        return np.fromiter(flags, bool, len(self.plan.trials))

    @cached_property
    def own(self) -> NDArray[np.bool_] | None:
        """For each trial of the plan, whether it belongs to the shard; None where all do."""
        if self.shard.is_whole:
            return None
        flags = np.zeros(len(self.plan.trials), bool)
        for stack in self.shard.positions(len(self.stacks)):
            flags[self.stacks.positions(stack)] = True
        return flags


def schedule(experiment: Experiment, folder: Path, data_dir: Path, *, elsewhere: bool = False) -> Schedule:
    """Plan an experiment against what its results folder holds. Nothing is written and nothing is trained.

    ``elsewhere`` says that other machines train, whose devices and memory this one need not have.

    Raises
    ------
    InitbenchError
        The data cannot be read, or something does not fit into memory; the message says how much it would take.
    """
    results = ResultsFolder(folder)
    planned = plan(experiment, data_dir)
    limits.check_plan(planned)
    device = resolve_device(experiment.device, elsewhere=elsewhere)
    specs = {dataset.label: dataset.spec(data_dir) for dataset in experiment.dataset}
    if not elsewhere:
        limits.check_trials(planned, specs, device)
    return Schedule(
        experiment=experiment,
        plan=planned,
        stacks=planned.stacks(lambda trial: stack_limit(trial, specs, device)),
        done=results.finished(),
        folder=results,
        device=device,
        data_dir=data_dir,
    )
