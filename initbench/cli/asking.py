"""Whether somebody meant to start a run that takes days."""

from __future__ import annotations

import sys

import typer

from initbench import costs
from initbench.analysis import wording
from initbench.errors import InitbenchError
from initbench.execute import Resources, Schedule
from initbench.execute.estimate import Arithmetic, estimate
from initbench.execute.limits import LONGEST_SECONDS

UNDOUBTED = LONGEST_SECONDS / 24
"""By arithmetic alone, which is good to a factor of a few: a run of this length needs no timing to be let through."""


def ask(work: Schedule, resources: Resources) -> None:
    """Ask whoever sits there whether a long run is meant; where nobody does, refuse it.

    Raises
    ------
    InitbenchError
        The run is longer than a day, and nobody said yes.
    """
    if resources.is_elsewhere or not work.pending:  # nobody has timed other machines
        return
    workers = max(1, min(resources.worker_count(work.device), len(work.pending)))
    if Arithmetic(work).seconds(workers) <= UNDOUBTED:
        return
    seconds = estimate(work, workers, resources.threads)
    if seconds <= LONGEST_SECONDS:
        return
    trials = wording.count(len(work.missing), "trial")
    takes = f"{trials} take about {costs.span(seconds)} on {wording.count(workers, 'worker')}"
    if sys.stdin.isatty() and sys.stderr.isatty() and typer.confirm(f"{takes}. Start?", err=True):
        return
    raise InitbenchError(f"{takes}; add --yes to start that, or sweep fewer values (--dry-run shows them)")
