"""``initbench compare``: schemes side by side on the default experiment, without writing a config."""

from __future__ import annotations

from typing import Annotated

import typer

from initbench.cli.collection import undisturbed
from initbench.cli.experiment import EXPERIMENT, Recipe, Subject, described
from initbench.cli.options import Execution, Overrides, Schemes, expanded

DEPTH_SEEDS = 3  # a search over the depth asks whether most seeds train, not by how much


@expanded
def compare(
    schemes: Schemes,
    subject: Subject,
    recipe: Recipe,
    execution: Execution,
    overrides: Overrides = None,
    max_depth: Annotated[
        bool,
        typer.Option(
            "--max-depth", help="Find the greatest depth that each scheme trains.", rich_help_panel=EXPERIMENT
        ),
    ] = False,
) -> None:
    r"""Compare schemes on a deep ReLU network, or on the one you describe.

    Lists are axes: --depth 10,20 compares at both depths.
    Trials that the results folder already holds are not trained again.

    Example: initbench compare he xavier 'normal\[std=0.01]' --depth 10,20
    """
    execution.expect_workers()
    with undisturbed():
        from initbench.cli.stages import carry_out

    few = [f"seeds={DEPTH_SEEDS}"] if max_depth and recipe.seeds is None else []
    experiment = described(schemes, subject, recipe, [*few, *(overrides or ())], execution.data_dir)
    carry_out(experiment, execution, max_depth=max_depth)
