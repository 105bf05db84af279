"""``initbench export``: results for the trackers that people already use. Needs no torch."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from initbench.cli import completion, console
from initbench.cli.options import target_folder
from initbench.cli.report import found

if TYPE_CHECKING:
    from initbench.export import Written

PATIENCE = 2.0  # seconds of silence before there is a bar
LINES_EVERY = 10.0  # seconds, where there is no terminal


def export(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A results folder, or the name of one in results/.", show_default=False),
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="TRACKER",
            help="csv, mlflow or tensorboard.",
            show_default=False,
            autocompletion=completion.trackers,
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=target_folder,
            metavar="DIR",
            help="Folder to write to.",
            show_default="one named as the tracker, in DIR",
        ),
    ] = None,
    uri: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="Tracking server, such as http://localhost:5000; mlflow only.",
            show_default="MLFLOW_TRACKING_URI, or a database in --out",
        ),
    ] = None,
) -> None:
    """Hand a results folder's curves and layers to TensorBoard or MLflow, or write them as CSV.

    Example: initbench export results/deep_relu --to tensorboard

    Exporting again adds what is new and doubles nothing.
    """
    from initbench import records
    from initbench.analysis import wording
    from initbench.errors import InitbenchError
    from initbench.export import Destination, tracker

    results = records.read(found(folder))
    if results.records.outcomes.empty:
        raise InitbenchError(f"{results.path} has no trials to export yet; run the experiment first")
    target = tracker(to)(results, Destination(out, uri))
    written = _followed(target.write(), f"exporting to {to}")
    new = sum(one.new for one in written)
    kept = f", {len(written) - new} there already" if new < len(written) else ""
    console.out().print(f"{wording.count(new, target.part)} written to {target.place}{kept}", soft_wrap=True)
    console.out().print(f"See them: {target.opening}", soft_wrap=True)
    for problem in results.problems:
        console.err().print(f"Note: {problem}", soft_wrap=True)


def _followed(parts: Iterable[Written], doing: str) -> list[Written]:
    """What was written. Where it takes its time a bar appears on a terminal, and now and then a line elsewhere."""
    screen = console.err()
    written = []
    began = spoke = time.monotonic()
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task(doing, visible=False)
        for part in parts:
            written.append(part)
            now = time.monotonic()
            progress.update(task, completed=part.done, total=part.total, visible=now - began > PATIENCE)
            if not screen.is_terminal and now - spoke > LINES_EVERY:
                spoke = now
                screen.print(f"{doing}: {part.done} of {part.total}", soft_wrap=True)
    return written
