"""Executing a plan: stacks to records, on a pool of workers, into a results folder."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from initbench.events import Event, Failed, Finished, Progressed, Started
from initbench.execute import provenance
from initbench.execute.executors import executor
from initbench.execute.halving import Halving, Part
from initbench.execute.materials import PROBE_SAMPLES, material_of, materials
from initbench.execute.resources import Resources
from initbench.execute.scheduling import Schedule, schedule
from initbench.execute.shards import WHOLE, Shard
from initbench.plan import StackPlan, Trial
from initbench.records import FAILED, Manifest, Records
from initbench.train.initialise import Failure

__all__ = [
    "PROBE_SAMPLES",
    "WHOLE",
    "Event",
    "Failed",
    "Finished",
    "Progressed",
    "Resources",
    "Schedule",
    "Shard",
    "Started",
    "execute",
    "material_of",
    "schedule",
]


def execute(work: Schedule, resources: Resources) -> Iterator[Event]:
    """Train what is missing and write it down stack by stack; what is yielded is progress.

    A stack that raises is recorded as failed and the rest go on, unless ``resources.fail_fast``. One that does not fit
    into memory is trained in halves. Leaving the iterator early (Ctrl-C) keeps every finished stack.

    Raises
    ------
    RecordsError
        The folder cannot be written, or another run is writing to it.
    DatasetError
        The data is missing or damaged.
    WorkersError
        No worker process can be started.
    ClusterError
        The cluster cannot be reached, or has no room for a stack.
    """
    with work.folder.locked():
        yield from _executed(work, resources)


def _executed(work: Schedule, resources: Resources) -> Iterator[Event]:
    pending = work.pending
    pool = executor(resources, work.device, len(pending))
    trials = len(work.trials)
    yield Started(trials, trials - len(work.missing), len(pending), pool.workers)
    # Data that cannot be had must not cost the folder the experiment that it has.
    found = materials(work.experiment.dataset if pending else (), work.data_dir)
    _describe(work)
    origin = {
        "executor": resources.executor,
        "workers": pool.workers,
        "threads": resources.threads,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if pending:
        _sign(work, origin)
    started = time.perf_counter()
    with closing(Halving(pool, work.done).run(pending, found)) as heard:
        for said in heard:
            if isinstance(said, Progressed):
                yield said
                continue
            events = _keep(said, work)
            yield from events
            if resources.fail_fast and any(isinstance(event, Failed) for event in events):
                break
    if pending:
        _sign(work, {**origin, "seconds": round(time.perf_counter() - started, 2)})


def _describe(work: Schedule) -> None:
    """Write down what the experiment is, before any of it has run; first the manifest, which makes the folder ours."""
    work.folder.write_manifest(
        Manifest(
            name=work.experiment.name,
            trials=tuple(work.ids()),
            axes=work.plan.axes,
            target_metric=work.experiment.target.metric,
            target_value=work.experiment.target.value,
            portion=work.portion,
        )
    )
    work.folder.write_experiment(work.experiment.to_yaml())


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


def _keep(part: Part, work: Schedule) -> list[Finished | Failed]:
    """Write a stack's rows down, those of trials that the folder does not hold yet; and say what became of them.

    The file is named after these trials, so that it can push out a file with the same ones alone.
    """
    stack, log, outcome = part.stack.id, part.trained.id, part.outcome
    missing = [trial for trial in part.trained.trials if trial.id not in work.done]
    file = StackPlan(tuple(missing)).id
    if isinstance(outcome, Records) and not {trial.id for trial in missing} <= set(outcome.outcomes["id"]):
        outcome = Failure("the worker trained other trials; was initbench changed while it ran?")
    if isinstance(outcome, Failure):
        work.folder.append(file, _failed(missing, outcome))
        work.folder.log_failure(log, outcome.traceback or outcome.reason)
        return [Failed(stack, len(missing), outcome.reason)]
    records = outcome.of([trial.id for trial in missing])
    work.folder.append(file, records)
    outcomes = records.outcomes
    failed = outcomes[outcomes["status"] == FAILED]
    events: list[Finished | Failed] = []
    if len(failed):
        work.folder.log_failure(log, "\n".join(failed["traceback"]))
        events.append(Failed(stack, len(failed), failed["reason"].iloc[0]))
    if len(failed) < len(missing):
        events.append(Finished(stack, len(missing) - len(failed), int((outcomes["status"] == "diverged").sum())))
    return events


def _failed(trials: list[Trial], failure: Failure) -> Records:
    why = {"status": FAILED, "reason": failure.reason, "traceback": failure.traceback}
    rows = [{"id": trial.id, **trial.columns(), **why} for trial in trials]
    return Records(outcomes=pd.DataFrame(rows), curves=pd.DataFrame({"id": []}), layers=pd.DataFrame({"id": []}))
