"""Executing a plan: stacks to records, on a pool of workers, into a results folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from initbench.config import Experiment
from initbench.datasets import Dataset, probe_batch, standardised
from initbench.events import Event, Failed, Finished, Progressed, Started
from initbench.execute import provenance
from initbench.execute.local import Local
from initbench.execute.resources import Resources, resolve_device, stack_limit
from initbench.plan import Plan, StackPlan, Trial, plan
from initbench.records import FAILED, Manifest, Records, ResultsFolder
from initbench.train.initialise import Failure
from initbench.train.material import Material

PROBE_SAMPLES = 64  # a probe costs a forward and a backward pass: as much as an update on the usual batch

__all__ = ["Event", "Failed", "Finished", "Progressed", "Resources", "Schedule", "Started", "execute", "schedule"]


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


def execute(work: Schedule, resources: Resources) -> Iterator[Event]:
    """Train what is missing and write it down stack by stack; what is yielded is progress.

    A stack that raises is recorded as failed and the rest go on, unless ``resources.fail_fast``. Leaving the iterator
    early (Ctrl-C) keeps every finished stack.

    Raises
    ------
    RecordsError
        The folder cannot be written.
    DatasetError
        The data is missing or damaged.
    """
    pending = work.pending
    workers = max(1, min(resources.worker_count(work.device), len(pending)))
    trials = len(work.plan.trials)
    _describe(work)
    origin = {
        "workers": workers,
        "threads": resources.threads,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if pending:
        _sign(work, origin)
    yield Started(trials, trials - len(work.missing), len(pending), workers)
    started = time.perf_counter()
    pool = Local(work.device, workers, resources.threads)
    for said in pool.run(pending, materials(pending, work.data_dir)):
        if isinstance(said, Progressed):
            yield said
            continue
        events = _keep(*said, work)
        yield from events
        if resources.fail_fast and any(isinstance(event, Failed) for event in events):
            break
    if pending:
        _sign(work, {**origin, "seconds": round(time.perf_counter() - started, 2)})


def _describe(work: Schedule) -> None:
    """Write down what the experiment is, before any of it has run."""
    work.folder.create()
    work.folder.write_experiment(work.experiment.to_yaml())
    work.folder.write_manifest(
        Manifest(
            name=work.experiment.name,
            trials=tuple(trial.id for trial in work.plan.trials),
            axes=work.plan.axes,
            target_metric=work.experiment.target.metric,
            target_value=work.experiment.target.value,
        )
    )


def _sign(work: Schedule, run: Mapping[str, Any]) -> None:
    """Write down where the numbers come from: at the start, since a run may be interrupted, and again at the end."""
    work.folder.write_provenance(
        {
            **provenance.environment(),
            "command": provenance.command(),
            "git_commit": provenance.git_commit(),
            "device": work.device,
            **run,
        }
    )


def materials(stacks: tuple[StackPlan, ...], data_dir: Path) -> Mapping[str, Material]:
    """The datasets that these stacks train on, by label."""
    datasets = {stack.trials[0].dataset.label: stack.trials[0].dataset for stack in stacks}
    return {label: material_of(dataset, data_dir) for label, dataset in datasets.items()}


def material_of(dataset: Dataset, data_dir: Path) -> Material:
    """A dataset as training wants it: standardized, with its probe batch. Raises DatasetError."""
    data = standardised(dataset.load(data_dir))
    return Material(
        spec=dataset.spec(data_dir),
        train=data.train,
        test=data.test,
        probe=probe_batch(data.train, PROBE_SAMPLES),
    )


def _keep(stack: StackPlan, outcome: Records | Failure, work: Schedule) -> list[Finished | Failed]:
    """Write a stack's rows down, those of trials that the folder does not hold yet; and say what became of them.

    The file is named after these trials, so that it can push out a file with the same ones alone.
    """
    missing = [trial for trial in stack.trials if trial.id not in work.done]
    file = StackPlan(tuple(missing)).id
    if isinstance(outcome, Records) and not {trial.id for trial in missing} <= set(outcome.outcomes["id"]):
        outcome = Failure("the worker trained other trials; was initbench changed while it ran?")
    if isinstance(outcome, Failure):
        work.folder.append(file, _failed(missing, outcome))
        work.folder.log_failure(stack.id, outcome.traceback)
        return [Failed(stack.id, len(missing), outcome.reason)]
    records = outcome.of([trial.id for trial in missing])
    work.folder.append(file, records)
    outcomes = records.outcomes
    failed = outcomes[outcomes["status"] == FAILED]
    events: list[Finished | Failed] = []
    if len(failed):
        work.folder.log_failure(stack.id, "\n".join(failed["traceback"]))
        events.append(Failed(stack.id, len(failed), failed["reason"].iloc[0]))
    if len(failed) < len(missing):
        events.append(Finished(stack.id, len(missing) - len(failed), int((outcomes["status"] == "diverged").sum())))
    return events


def _failed(trials: list[Trial], failure: Failure) -> Records:
    why = {"status": FAILED, "reason": failure.reason, "traceback": failure.traceback}
    rows = [{"id": trial.id, **trial.columns(), **why} for trial in trials]
    return Records(outcomes=pd.DataFrame(rows), curves=pd.DataFrame({"id": []}), layers=pd.DataFrame({"id": []}))
