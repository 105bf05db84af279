"""The commands, mounted."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from initbench.cli import data
from initbench.cli.guard import Guarded
from initbench.cli.run import run

EXPERIMENTS = "Experiments"
LOOK_UP = "Look up"

app = typer.Typer(
    name="initbench",
    cls=Guarded,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(rich_help_panel=EXPERIMENTS)(run)
app.add_typer(data.app, name="data", rich_help_panel=LOOK_UP)


def main() -> None:
    """The entry point of the ``initbench`` command."""
    app()


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"initbench {version('initbench')}")
        raise typer.Exit


@app.callback()
def initbench(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show a traceback with an error.")] = False,
) -> None:
    """Settle, with evidence, which weight initialization a network should start from."""
