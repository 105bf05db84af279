"""What a run will do: the plan of an experiment, held against what its results folder has already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from initbench.config import Experiment
from initbench.execute.resources import resolve_device, stack_limit
from initbench.plan import Plan, StackPlan, Trial, plan
from initbench.records import ResultsFolder


@dataclass(frozen=True)
class Schedule:
    """What a run will do: its plan cut into stacks, and which trials the folder holds already."""

    experiment: Experiment
    plan: Plan
    stacks: tuple[StackPlan, ...]
    done: frozenset[str]
    folder: ResultsFolder
    device: str
    data_dir: Path

    @property
    def missing(self) -> tuple[Trial, ...]:
        """The trials that have no records yet."""
        return tuple(trial for trial in self.plan.trials if trial.id not in self.done)

    @property
    def pending(self) -> tuple[StackPlan, ...]:
        """The stacks with a missing trial. Each is trained whole, so that resuming repeats the same arithmetic."""
        return tuple(stack for stack in self.stacks if any(trial.id not in self.done for trial in stack.trials))


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
