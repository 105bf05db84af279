"""``initbench report``: page, tables, figures and Markdown again, from the records. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="A results folder, or the name of one in results/.", show_default=False),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Open the page in your browser.")] = False,
) -> None:
    """Draw a results folder's page, tables and figures again.

    Example: initbench report results/deep_relu --open
    """
    from initbench import records, report
    from initbench.cli.ending import print_comparison

    in_results = Path("results") / folder
    place = in_results if not folder.exists() and in_results.is_dir() else folder
    print_comparison(report.write(records.read(place)), as_json=as_json)
    if show:
        typer.launch(str((place / report.PAGE).resolve()))
