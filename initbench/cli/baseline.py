"""``initbench baseline``: what a run measures, stored for later checks to hold to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from initbench.cli import console
from initbench.cli.options import Config, Overrides, Training, expanded


@expanded
def baseline(
    config: Config,
    training: Training,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="The file to write.", show_default="results/baselines/NAME.json", metavar="FILE"
        ),
    ] = None,
    overrides: Overrides = None,
) -> None:
    """Run an experiment and store what it measured as a baseline for initbench check.

    Commit the file: it is small, and its diff shows what changed.

    Example: initbench baseline configs/ci.yaml -o results/baselines/ci.json
    """
    training.machines.expect_workers()
    from initbench.checking import NotMeasured, complete_baseline, expect_writable
    from initbench.cli import guard
    from initbench.cli.gating import fresh
    from initbench.config import load

    experiment = load(config, overrides or (), training.data_dir)
    path = output or Path("results") / "baselines" / f"{experiment.name}.json"
    expect_writable(path)
    with fresh(experiment, training) as results:
        try:
            made = complete_baseline(results)
        except NotMeasured as error:
            guard.stop(str(error), guard.NOT_MEASURED)
    made.write(path)
    trials = sum(len(cell.seeds) for cell in made.schemes)
    console.say(f"{path}: {trials} trials; hold to it with: initbench check {config} --baseline {path}")
