"""``initbench report``: page, tables, figures and Markdown again, from the records. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from initbench.cli.collection import undisturbed
from initbench.cli.options import Reference


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A results folder, or the name of one in results/.", show_default=False),
    ],
    other: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="A second one, to show side by side.", show_default=False),
    ] = None,
    reference: Reference = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
) -> None:
    """Draw a results folder's page, tables and figures again.

    Example: initbench report results/deep_relu --open

    Two folders are shown side by side, in a folder of its own next to the first.
    """
    with undisturbed():
        from initbench import records, report
        from initbench.cli.ending import print_comparison

        results = records.read(found(folder))
        if other is not None:
            results = report.beside(results, records.read(found(other)))
        print_comparison(report.write(results, reference), as_json=as_json)
    if show:
        typer.launch(str((results.path / report.PAGE).resolve()))


def found(folder: Path) -> Path:
    """A folder as named, or the one of that name in ``results``."""
    in_results = Path("results") / folder
    return in_results if not folder.exists() and in_results.is_dir() else folder
