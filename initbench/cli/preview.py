"""What a run would do, for ``--dry-run``: its trials by setting and scheme, what is done, how long the rest takes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from rich import box
from rich.table import Table
from rich.text import Text

from initbench.analysis import wording
from initbench.cli import console
from initbench.execute import Resources, Schedule
from initbench.execute.estimate import estimate

MOST_ROWS = 60


@dataclass(frozen=True)
class Row:
    """Trials alike but for their seeds."""

    values: tuple[str, ...]
    trials: int
    done: int


def show(work: Schedule, resources: Resources, *, as_json: bool) -> None:
    """Print the plan; nothing is written and no record is made."""
    if as_json:
        console.say(json.dumps(_as_data(work), indent=2, ensure_ascii=False))
        return
    shown = rows(work)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for axis in _columns(work):
        table.add_column(Text("scheme" if axis == "init" else axis.rpartition(".")[2]), overflow="fold")
    for heading in ("trials", "done"):
        table.add_column(heading, justify="right")
    for row in shown[:MOST_ROWS]:
        table.add_row(
            *map(Text, row.values), str(row.trials), str(row.done), style="dim" if row.done == row.trials else ""
        )
    screen = console.out()
    screen.print(table)
    if len(shown) > MOST_ROWS:
        screen.print(f"and {len(shown) - MOST_ROWS} more rows (--json lists them all)")
    screen.print(f"\n{_summary(work, resources)}", soft_wrap=True)


def rows(work: Schedule) -> list[Row]:
    """The trials by setting and scheme, in plan order."""
    columns = _columns(work)
    trials: Counter[tuple[str, ...]] = Counter()
    done: Counter[tuple[str, ...]] = Counter()
    for trial in work.trials:
        known = trial.columns()
        key = tuple(str(known[column]) for column in columns)
        trials[key] += 1
        done[key] += trial.id in work.done
    return [Row(key, count, done[key]) for key, count in trials.items()]


def _columns(work: Schedule) -> tuple[str, ...]:
    """Settings first, the scheme last: the order in which the trials come."""
    return (*(axis for axis in work.plan.axes if axis != "init"), "init")


def _summary(work: Schedule, resources: Resources) -> str:
    part = "" if work.shard.is_whole else f" in shard {work.shard} of {len(work.plan.trials)}"
    where = f"{wording.count(len(work.trials), 'trial')}{part}, results in {work.folder.path}."
    if not work.missing:
        return f"{where}\nAll of them are done: nothing to train."
    if resources.is_elsewhere:  # whose machines nobody has timed
        return f"{where}\n{len(work.missing)} to train, {wording.count(len(work.pending), 'stack')} ({work.device})."
    workers = max(1, min(resources.worker_count(work.device), len(work.pending)))
    how = f"{wording.count(len(work.pending), 'stack')} on {wording.count(workers, 'worker')}"
    time = _duration(estimate(work, workers, resources.threads))
    return f"{where}\n{len(work.missing)} to train, {how} ({work.device}): about {time}."


def _duration(seconds: float) -> str:
    minutes = seconds / 60
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    return f"{round(minutes)} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _as_data(work: Schedule) -> dict[str, object]:
    columns = _columns(work)
    return {
        "results": str(work.folder.path),
        "trials": len(work.trials),
        "missing": len(work.missing),
        "stacks": len(work.pending),
        "schemes": [
            {**dict(zip(columns, row.values, strict=True)), "trials": row.trials, "done": row.done}
            for row in rows(work)
        ],
    }
