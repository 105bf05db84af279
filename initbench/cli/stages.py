"""The stages after loading, in a row: plan, train what is missing, write the report, print it."""

from __future__ import annotations

from dataclasses import replace

from initbench import report, search
from initbench.analysis import wording
from initbench.analysis.contrasts import reference_of
from initbench.api import RESULTS
from initbench.cli import console, guard, preview
from initbench.cli.ending import print_comparison
from initbench.cli.options import Execution
from initbench.cli.watch import Watch
from initbench.config import Experiment, concerns
from initbench.datasets import data_folder
from initbench.execute import Resources, Schedule, execute
from initbench.records import FAILED, ResultsFolder
from initbench.report import progress


def carry_out(experiment: Experiment, execution: Execution, *, max_depth: bool = False) -> None:
    """Run an experiment, or search with it, as the options say; exit code 3 if a trial failed."""
    folder = execution.out or RESULTS / experiment.name
    reference = execution.reference
    if reference is not None:
        reference = reference_of([scheme.label for scheme in experiment.init], reference)
    place = search.Place(folder, data_folder(execution.data_dir))
    if not execution.quiet:
        for concern in concerns(experiment, place.data_dir):
            console.err().print(f"Note: {concern}.", soft_wrap=True)
    resources = Resources(execution.workers, execution.threads, execution.fail_fast)
    rounds = search.deepest(experiment, place) if max_depth else search.rounds(experiment, place)
    for number, work in enumerate(rounds):
        again = execution.fresh and number == 0
        todo = replace(work, done=frozenset()) if again else work
        if execution.dry_run:
            preview.show(todo, resources, as_json=execution.as_json)
            return
        _train(todo, resources, execution, forget=again)
    comparison = report.write(ResultsFolder(folder).read(), reference)
    print_comparison(comparison, as_json=execution.as_json, quiet=execution.quiet)
    failed = int((comparison.trials["status"] == FAILED).sum())
    if failed:
        guard.stop(
            f"{wording.count(failed, 'trial')} failed; the tracebacks are in {folder / 'failures'}", guard.NOT_MEASURED
        )


def _train(work: Schedule, resources: Resources, execution: Execution, *, forget: bool) -> None:
    if forget:
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
