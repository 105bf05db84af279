"""The stages after loading, in a row: plan, train what is missing, write the report, print it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from initbench import search
from initbench.analysis import Comparison, wording
from initbench.analysis.contrasts import reference_of
from initbench.api import RESULTS
from initbench.cli import console, guard, preview
from initbench.cli.asking import ask
from initbench.cli.options import Execution
from initbench.cli.replacing import replaced
from initbench.cli.watch import Watch
from initbench.config import Experiment, concerns
from initbench.datasets import data_folder
from initbench.errors import InitbenchError
from initbench.execute import WHOLE, Failed, Resources, Schedule, Shard, execute
from initbench.records import FAILED, RecordsError, ResultsFolder


def carry_out(experiment: Experiment, execution: Execution, *, max_depth: bool = False) -> None:
    """Run an experiment, or search with it, as the options say; exit code 3 if a trial failed."""
    shard = _shard_of(execution, searches=max_depth or experiment.searches_rate)
    folder = execution.out or _folder_of(experiment, shard)
    reference = _reference(experiment, execution.reference)
    resources = execution.machines.resources(fail_fast=execution.fail_fast)
    place = search.Place(folder, data_folder(execution.data_dir), elsewhere=resources.is_elsewhere)
    if not execution.quiet:
        _note_all(concerns(experiment, place.data_dir))
    rounds = search.deepest(experiment, place) if max_depth else search.rounds(experiment, place)
    with ExitStack() as held:
        for number, step in enumerate(rounds):
            work = step.work
            again = execution.fresh and number == 0
            todo = replace(work, shard=shard, done=frozenset() if again else work.done)
            if execution.dry_run:
                preview.show(todo, resources, purpose=step.purpose, as_json=execution.as_json)
                return
            if not execution.yes:
                ask(todo, resources)
            if number == 0:  # a search looks at what it wrote, so nobody else may write before it has ended
                held.enter_context(work.folder.locked(console.note))
            if not execution.quiet:
                _announce(todo, number, step.purpose, forget=again)
            if _train(todo, resources, execution, forget=again) and execution.fail_fast:  # where a search would go on
                break
        if not len(todo.trials):
            console.note(f"shard {shard} holds no trial: the plan has {wording.count(len(todo.stacks), 'stack')}")
            return
        comparison = _reported(folder, reference)
    from initbench.cli.ending import print_comparison

    print_comparison(comparison, as_json=execution.as_json, quiet=execution.quiet)
    failed = int((comparison.trials["status"] == FAILED).sum())
    if failed:
        guard.stop(
            f"{wording.count(failed, 'trial')} failed; the tracebacks are in {folder / 'failures'}", guard.NOT_MEASURED
        )


def _reference(experiment: Experiment, asked: str | None) -> str | None:
    """The label of the scheme asked for. Raises InitbenchError where it is not compared."""
    return None if asked is None else reference_of([scheme.label for scheme in experiment.init], asked)


def _shard_of(execution: Execution, *, searches: bool) -> Shard:
    """The part that is asked for. Raises InitbenchError where there are no parts."""
    if execution.shard is None:
        return WHOLE
    if searches:
        raise InitbenchError(
            f"--shard {execution.shard}: a search has no shards, since its next trials depend on the results of all; "
            "give learning rates or depths as a list, or train it whole with --executor ray"
        )
    return Shard.parsed(execution.shard)


def _folder_of(experiment: Experiment, shard: Shard) -> Path:
    whole = RESULTS / experiment.name
    return whole if shard.is_whole else whole / "shards" / shard.folder


def _announce(work: Schedule, number: int, purpose: str, *, forget: bool) -> None:
    """Say whose report a run replaces, and what a round of a search is for."""
    if number == 0 and not forget:
        _note_all(replaced(work, searches=bool(purpose)))
    if purpose:
        console.err().print(f"Round {number + 1}: {purpose}.", soft_wrap=True)


def _train(work: Schedule, resources: Resources, execution: Execution, *, forget: bool) -> bool:
    """Train what is missing, and say whether a trial failed."""
    from initbench.report import progress

    failed = False
    if forget:
        work.folder.clear()
    watch = Watch(work)
    again = "the same command without --fresh" if execution.fresh else "the same command"
    kept = f"Finished trials are kept in {work.folder.path}; {again} goes on from there."
    try:
        with progress.display(console.err(), quiet=execution.quiet) as display:
            for event in execute(work, resources):
                display.show(watch.named(event))
                failed = failed or isinstance(event, Failed)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(kept) from None
    except RecordsError as error:
        raise RecordsError(f"{error}. {kept}") from error
    return failed


def _reported(folder: Path, reference: str | None) -> Comparison:
    from initbench import report  # after training: what nobody asks of a dry run need not be imported for one

    try:
        return report.write(ResultsFolder(folder).read(), reference)
    except RecordsError as error:
        raise RecordsError(f"{error}. The records are safe: initbench report {folder} draws the rest.") from error


def _note_all(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        console.note(sentence)
