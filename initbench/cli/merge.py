"""``initbench merge``: the shards of an experiment, put together in one results folder. Needs no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from initbench.cli.options import OUTPUT, Reference, target_folder
from initbench.cli.report import found


def merge(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Results folders of one experiment.", show_default=False)
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            parser=target_folder,
            help="Folder of the whole; what it holds already stays.",
            show_default="results/NAME",
            rich_help_panel=OUTPUT,
            metavar="DIR",
        ),
    ] = None,
    reference: Reference = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the verdict alone.", rich_help_panel=OUTPUT)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of tables.", rich_help_panel=OUTPUT)
    ] = False,
) -> None:
    """Put the shards of an experiment together, and report on the whole as initbench run does.

    The folders are only read. Merge again when more shards are done: what is new is added.

    Exit code 3: trials are missing still, or failed.

    Example: initbench merge results/deep_relu/shards/* --out results/deep_relu
    """
    from initbench import records, report
    from initbench.cli import console, guard
    from initbench.cli.ending import print_comparison
    from initbench.records import merging

    parts = [found(part) for part in folders]
    target = out or Path("results") / records.ResultsFolder(parts[0]).manifest().name
    merged = merging.merge(parts, target, console.note)
    for problem in merged.problems:
        console.note(problem)
    results = records.read(target)
    if len(results.records.outcomes):
        print_comparison(report.write(results, reference), as_json=as_json, quiet=quiet)
    if merged.missing:
        guard.stop("\n".join(merged.missing), guard.NOT_MEASURED)
