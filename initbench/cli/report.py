"""``initbench report``: page, tables, figures and Markdown again, from the records. Needs no torch."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import typer

from initbench.cli.collection import undisturbed
from initbench.cli.options import Reference
from initbench.errors import InitbenchError

RESULTS = Path("results")


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
    """A folder as named, or the one of that name in ``results``.

    Raises
    ------
    InitbenchError
        There is neither; the message offers the nearest names.
    """
    in_results = RESULTS / folder
    if folder.is_dir() or in_results.is_dir():
        return folder if folder.is_dir() else in_results
    if folder.exists():
        raise InitbenchError(f"{folder} is a file, expected a results folder")
    places = "" if folder.is_absolute() else f" and no {in_results}"
    near = get_close_matches(folder.name, _folders_beside(folder) | _folders_beside(in_results), n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise InitbenchError(f"there is no folder {folder}{places}{hint}")


def _folders_beside(path: Path) -> set[str]:
    try:
        return {each.name for each in path.parent.iterdir() if each.is_dir()}
    except OSError:
        return set()
