"""The stages after loading, in a row: plan, train what is missing, write the report, print it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import typer

from initbench import report
from initbench.analysis import Comparison
from initbench.cli import console, guard
from initbench.cli.options import Execution
from initbench.config import Experiment
from initbench.datasets import data_folder
from initbench.execute import Resources, Schedule, execute, schedule
from initbench.records import FAILED
from initbench.report import machine, terminal

RESULTS = Path("results")


def carry_out(experiment: Experiment, execution: Execution) -> None:
    """Run an experiment as the options say; exit code 3 if a trial failed."""
    folder = execution.out or RESULTS / experiment.name
    work = schedule(experiment, folder, data_folder(execution.data_dir))
    if execution.fresh:
        work = replace(work, done=frozenset())
    if execution.dry_run:
        return
    _train(work, execution)
    comparison = report.write(work.folder.read())
    show(comparison, execution)
    if (comparison.trials["status"] == FAILED).any():
        raise typer.Exit(guard.NOT_MEASURED)


def show(comparison: Comparison, execution: Execution) -> None:
    """Print what was found: as JSON, as tables, or as the sentence alone."""
    if execution.as_json:
        typer.echo(machine.as_json(comparison))
    elif execution.quiet:
        typer.echo(comparison.sentence)
    else:
        console.out().print(terminal.render(comparison))


def _train(work: Schedule, execution: Execution) -> None:
    if execution.fresh:
        work.folder.clear()
    resources = Resources(execution.workers, execution.threads, execution.fail_fast)
    events = execute(work, resources)
    try:
        with closing(events):
            for event in events:
                console.err().print(event)
    except KeyboardInterrupt:
        again = "the same command without --fresh" if execution.fresh else "the same command"
        raise KeyboardInterrupt(
            f"Finished trials are kept in {work.folder.path}; {again} goes on from there."
        ) from None
