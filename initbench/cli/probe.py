"""``initbench probe``: schemes drawn and diagnosed, without training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from initbench.cli import console
from initbench.cli.experiment import Recipe, Subject, described
from initbench.cli.options import DataDir, Overrides, Schemes, expanded

if TYPE_CHECKING:
    from initbench.config import Experiment


@expanded
def probe(
    schemes: Schemes,
    subject: Subject,
    seeds: Annotated[int, typer.Option(min=1, help="Draws of each scheme.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    data_dir: DataDir = None,
    overrides: Overrides = None,
) -> None:
    """Diagnose schemes before training: does the signal reach the output, and the gradient the first layer.

    Each layer's variances stand beside what mean-field theory predicts for the weights as drawn. Nothing is trained.

    Example: initbench probe he xavier lecun --activation relu --depth 50 --width 256
    """
    from initbench.api import diagnosed
    from initbench.datasets import data_folder
    from initbench.report import propagation

    experiment = described(schemes, subject, Recipe(seeds=str(seeds)), overrides or (), data_dir)
    diagnoses = diagnosed(experiment, data_folder(data_dir))
    draws = len(experiment.seeds)  # an override wins over --seeds, and data seeds draw no weights
    if as_json:
        console.say(propagation.as_json(diagnoses, draws))
    else:
        screen = console.out()
        screen.print(propagation.render(diagnoses, draws, about(experiment)))
        for one in diagnoses:
            if one.remark:
                screen.print(Text.assemble((one.init, "bold"), f": {one.remark}"))


def about(experiment: Experiment) -> str:
    """What is looked at, in a line."""
    parts = experiment.network[0], experiment.activation[0], experiment.dataset[0]
    return ", ".join(part.label for part in parts)
