"""``initbench run``: a config, from YAML to the verdict."""

from __future__ import annotations

from typing import Annotated

import typer

from initbench.cli import completion
from initbench.cli.collection import undisturbed
from initbench.cli.options import Execution, Overrides, expanded


@expanded
def run(
    config: Annotated[
        str,
        typer.Argument(
            metavar="CONFIG",
            help="A YAML file, or the name of a shipped config. See initbench list configs.",
            show_default=False,
            autocompletion=completion.configs,
        ),
    ],
    execution: Execution,
    overrides: Overrides = None,
) -> None:
    """Run an experiment and say which initialization won.

    Trials that the results folder already holds are not trained again.

    Example: initbench run deep_relu --set network.depth=10,20 --dry-run
    """
    if not execution.dry_run:
        execution.machines.expect_workers()
    with undisturbed():
        from initbench.cli.stages import carry_out
        from initbench.config import load

    carry_out(load(config, overrides or (), execution.data_dir), execution)
