"""``initbench run``: a config, from YAML to the verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from initbench.cli.options import Execution, expanded


@expanded
def run(
    config: Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped config.", show_default=False)],
    execution: Execution,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a value of the config; lists are axes. Repeatable.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Run an experiment and say which initialization won.

    Trials that the results folder already holds are not trained again.
    """
    from initbench.cli.stages import carry_out
    from initbench.config import load

    carry_out(load(config, overrides or (), execution.data_dir), execution)
