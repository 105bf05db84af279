"""The stages after loading, in a row: plan, train what is missing, write the report, print it."""

from __future__ import annotations

from dataclasses import replace

from initbench import report
from initbench.analysis import wording
from initbench.api import RESULTS
from initbench.cli import console, guard, preview
from initbench.cli.ending import print_comparison
from initbench.cli.options import Execution
from initbench.cli.watch import Watch
from initbench.config import Experiment
from initbench.datasets import data_folder
from initbench.execute import Resources, Schedule, execute, schedule
from initbench.records import FAILED
from initbench.report import progress


def carry_out(experiment: Experiment, execution: Execution) -> None:
    """Run an experiment as the options say; exit code 3 if a trial failed."""
    folder = execution.out or RESULTS / experiment.name
    work = schedule(experiment, folder, data_folder(execution.data_dir))
    if execution.fresh:
        work = replace(work, done=frozenset())
    resources = Resources(execution.workers, execution.threads, execution.fail_fast)
    if execution.dry_run:
        preview.show(work, resources, as_json=execution.as_json)
        return
    _train(work, resources, execution)
    comparison = report.write(work.folder.read())
    print_comparison(comparison, as_json=execution.as_json, quiet=execution.quiet)
    failed = int((comparison.trials["status"] == FAILED).sum())
    if failed:
        guard.stop(
            f"{wording.count(failed, 'trial')} failed; the tracebacks are in {folder / 'failures'}", guard.NOT_MEASURED
        )


def _train(work: Schedule, resources: Resources, execution: Execution) -> None:
    if execution.fresh:
        work.folder.clear()
    watch = Watch(work)
    try:
        with progress.display(console.err(), quiet=execution.quiet) as display:
            for event in execute(work, resources):
                display.show(watch.named(event))
    except KeyboardInterrupt:
        again = "the same command without --fresh" if execution.fresh else "the same command"
        kept = f"Finished trials are kept in {work.folder.path}; {again} goes on from there."
        raise KeyboardInterrupt(kept) from None
