"""``initbench new``: a commented config to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from initbench.cli import console
from initbench.errors import InitbenchError


def new(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file to write.", show_default=False)],
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,
) -> None:
    """Write a commented config to start from.

    Example: initbench new my.yaml
    """
    from initbench.config import template
    from initbench.records import write_text

    if path.is_dir():
        raise InitbenchError(f"{path} is a directory, expected the name of a file, such as {path / 'my.yaml'}")
    if path.exists() and not force:
        raise InitbenchError(f"{path} is there already; --force overwrites it")
    write_text(path, template("starter"))
    console.say(f"{path} written. Run it with: initbench run {path}")
