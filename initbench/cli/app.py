"""The commands, mounted."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from initbench.cli import data, guard
from initbench.cli.baseline import baseline
from initbench.cli.check import check
from initbench.cli.compare import compare
from initbench.cli.export import export
from initbench.cli.info import info
from initbench.cli.listing import list_components
from initbench.cli.merge import merge
from initbench.cli.new import new
from initbench.cli.probe import probe
from initbench.cli.recommend import recommend
from initbench.cli.report import report
from initbench.cli.run import run
from initbench.cli.schema import schema
from initbench.cli.show import show
from initbench.cli.theory import theory

EXPERIMENTS = "Experiments"
GATE = "Guard a code base"
LOOK_UP = "Look up"

app = typer.Typer(
    name="initbench",
    cls=guard.Guarded,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    epilog="Start here: [bold]initbench compare he xavier[/bold]",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(rich_help_panel=EXPERIMENTS)(run)
app.command(rich_help_panel=EXPERIMENTS)(compare)
app.command(rich_help_panel=EXPERIMENTS)(probe)
app.command(rich_help_panel=EXPERIMENTS)(recommend)
app.command(rich_help_panel=EXPERIMENTS)(merge)
app.command(rich_help_panel=EXPERIMENTS)(report)
app.command(rich_help_panel=EXPERIMENTS)(export)
app.command(rich_help_panel=EXPERIMENTS)(new)
app.command(rich_help_panel=GATE)(baseline)
app.command(rich_help_panel=GATE)(check)
app.command(rich_help_panel=LOOK_UP)(theory)
app.command("list", rich_help_panel=LOOK_UP)(list_components)
app.command(rich_help_panel=LOOK_UP)(show)
app.command(rich_help_panel=LOOK_UP)(schema)
app.command(rich_help_panel=LOOK_UP)(info)
app.add_typer(data.app, name="data", rich_help_panel=LOOK_UP)


def main() -> None:
    """The entry point of the ``initbench`` command."""
    guard.ending(app)


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
