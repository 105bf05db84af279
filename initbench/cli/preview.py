"""What a run would do, for ``--dry-run``: its trials by setting and scheme, what is done, how long the rest takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from rich.text import Text

from initbench import costs
from initbench.analysis import wording
from initbench.cli import console
from initbench.execute import Resources, Schedule
from initbench.execute.estimate import estimate

MOST_ROWS = 60
MOST_LISTED = 10_000  # rows of the JSON object


@dataclass(frozen=True)
class Row:
    """Trials alike but for their seeds."""

    cell: tuple[str, ...]
    trials: int
    done: int


def show(work: Schedule, resources: Resources, *, purpose: str, as_json: bool) -> None:
    """Print the plan; nothing is written and no record is made. ``purpose`` is that of the first round of a search."""
    if as_json:
        data = {**_as_data(work), "first_round_of_search": bool(purpose)}
        console.say(json.dumps(data, indent=2, ensure_ascii=False))
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for axis in columns(work):
        table.add_column(Text("scheme" if axis == "init" else axis.rpartition(".")[2]), overflow="fold")
    for heading in ("trials", "done"):
        table.add_column(heading, justify="right")
    rows = Rows(work)
    for row in islice(rows, MOST_ROWS):
        table.add_row(
            *map(Text, row.cell), str(row.trials), str(row.done), style="dim" if row.done == row.trials else ""
        )
    screen = console.out()
    screen.print(table)
    if len(rows) > MOST_ROWS:
        all_of = "them all" if len(rows) <= MOST_LISTED else f"{MOST_LISTED}"
        screen.print(f"and {len(rows) - MOST_ROWS} more rows (--json lists {all_of})")
    screen.print(f"\n{_summary(work, resources)}", soft_wrap=True)
    if purpose:
        first = f"This is the first round of a search alone: {purpose}. Its results decide how many more follow."
        screen.print(Text(first), soft_wrap=True)


@dataclass(frozen=True)
class Rows:
    """The trials by setting and scheme, in plan order, counted without going through them."""

    work: Schedule

    def __len__(self) -> int:
        return len(self._cells)

    def __iter__(self) -> Iterator[Row]:
        names = columns(self.work)
        trials = self.work.plan.trials
        for cell in self._cells:
            trial = trials[int(cell) * trials.seeds]
            yield Row(
                cell=tuple(str(trial.column(name)) for name in names),
                trials=trials.seeds if self._own is None else int(self._own[cell]),
                done=0 if self._done is None else int(self._done[cell]),
            )

    @property
    def _cells(self) -> range | NDArray[np.int64]:
        trials = self.work.plan.trials
        return range(trials.groups * trials.schemes) if self._own is None else np.flatnonzero(self._own)

    @cached_property
    def _own(self) -> NDArray[np.int64] | None:
        """How many trials of each cell belong to the shard."""
        return None if self.work.own is None else self._counted(self.work.own)

    @cached_property
    def _done(self) -> NDArray[np.int64] | None:
        """How many of these the folder holds."""
        held, own = self.work.held, self.work.own
        return None if held is None else self._counted(held if own is None else held & own)

    def _counted(self, flags: NDArray[np.bool_]) -> NDArray[np.int64]:
        counted: NDArray[np.int64] = flags.reshape(-1, self.work.plan.trials.seeds).sum(axis=1)
        return counted


def columns(work: Schedule) -> tuple[str, ...]:
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
    time = costs.span(estimate(work, workers, resources.threads))
    return f"{where}\n{len(work.missing)} to train, {how} ({work.device}): about {time}."


def _as_data(work: Schedule) -> dict[str, object]:
    rows, names = Rows(work), columns(work)
    return {
        "results": str(work.folder.path),
        "trials": len(work.trials),
        "missing": len(work.missing),
        "stacks": len(work.pending),
        "schemes": [
            {**dict(zip(names, row.cell, strict=True)), "trials": row.trials, "done": row.done}
            for row in islice(rows, MOST_LISTED)
        ],
        "schemes_left_out": max(0, len(rows) - MOST_LISTED),
    }
