"""``initbench compare``: schemes side by side on the default experiment, without writing a config."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from initbench.cli import completion
from initbench.cli.options import Execution, Overrides, expanded
from initbench.errors import InitbenchError

if TYPE_CHECKING:
    from initbench.config import ConfigError, Experiment, Problem

EXPERIMENT = "Experiment"
DEPTH_SEEDS = 3  # a search over the depth asks whether most seeds train, not by how much


@dataclass(frozen=True)
class Setup:
    """What to compare the schemes on; what is None stays as the experiment has it."""

    config: Annotated[
        str | None,
        typer.Option(
            help="Start from this config instead; its schemes are replaced.",
            rich_help_panel=EXPERIMENT,
            metavar="CONFIG",
            autocompletion=completion.configs,
        ),
    ] = None
    network: Annotated[
        str | None,
        typer.Option(help=r"Network, such as mlp or 'cnn\[depth=10]'.", rich_help_panel=EXPERIMENT, show_default="mlp"),
    ] = None
    activation: Annotated[
        str | None, typer.Option(help="Activation.", rich_help_panel=EXPERIMENT, show_default="relu")
    ] = None
    depth: Annotated[
        str | None, typer.Option(help="Weight layers of the network.", rich_help_panel=EXPERIMENT, show_default="22")
    ] = None
    width: Annotated[
        str | None,
        typer.Option(help="Units of each hidden layer.", rich_help_panel=EXPERIMENT, show_default="128"),
    ] = None
    dataset: Annotated[
        str | None, typer.Option(help="Dataset.", rich_help_panel=EXPERIMENT, show_default="mnist_10k")
    ] = None
    optimizer: Annotated[
        str | None,
        typer.Option(help="Optimizer.", rich_help_panel=EXPERIMENT, show_default="sgd, momentum 0.9"),
    ] = None
    lr: Annotated[
        str | None,
        typer.Option(
            help="Learning rate; auto finds each scheme's best and compares them there.",
            rich_help_panel=EXPERIMENT,
            show_default="0.01",
        ),
    ] = None
    epochs: Annotated[
        str | None, typer.Option(help="Passes over the data.", rich_help_panel=EXPERIMENT, show_default="5")
    ] = None
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Number of seeds, or a list of them.",
            rich_help_panel=EXPERIMENT,
            show_default="6 for 2 schemes, more for more",
        ),
    ] = None

    @property
    def overrides(self) -> dict[str, str]:
        """What was given: each override of the config, with the option as it stood on the command line."""
        return {
            f"{_KEYS.get(field.name, field.name)}={text}": f"--{field.name} {text}"
            for field in fields(self)
            if field.name != "config" and (text := getattr(self, field.name)) is not None
        }


_KEYS = {"depth": "network.depth", "width": "network.width", "lr": "optimizer.lr"}


@expanded
def compare(
    schemes: Annotated[
        list[str],
        typer.Argument(
            metavar="SCHEME",
            help=r"Schemes, inline: he, 'normal\[std=0.01,0.1]'. See initbench list inits.",
            show_default=False,
            autocompletion=completion.schemes,
        ),
    ],
    setup: Setup,
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
    from initbench.cli.stages import carry_out

    few = [f"seeds={DEPTH_SEEDS}"] if max_depth and setup.seeds is None else []
    changes = [*few, *(overrides or ())]
    carry_out(described(schemes, setup, changes, execution.data_dir), execution, max_depth=max_depth)


def described(schemes: Sequence[str], setup: Setup, overrides: Sequence[str], data_dir: Path | None) -> Experiment:
    """The experiment that the options describe. Raises ConfigError, its problems placed at the options."""
    from initbench.api import schemes_compared
    from initbench.config import ConfigError

    _refuse_conflicts(setup)
    try:
        return schemes_compared(schemes, setup.config, [*setup.overrides, *overrides], data_dir)
    except ConfigError as error:
        raise ConfigError(_as_typed(error, setup)) from error


def _refuse_conflicts(setup: Setup) -> None:
    """The same option given twice: by itself, and inside the component."""
    from initbench.config import CATALOGS, parse_components

    for kind, options in {"network": ("depth", "width"), "optimizer": ("lr",)}.items():
        text = getattr(setup, kind)
        for option in options:
            value = getattr(setup, option)
            if text is None or value is None:
                continue
            if any(option in component.model_fields_set for component in parse_components(text, CATALOGS[kind])):
                raise InitbenchError(f"--{option} {value} and --{kind} {text} both set {option}; keep one")


def _as_typed(error: ConfigError, setup: Setup) -> Iterator[Problem]:
    """The problems, placed at the options that the user typed."""
    for problem in error.problems:
        origin = problem.place.origin
        typed = setup.overrides.get(origin.removeprefix("--set "), origin)
        yield replace(problem, place=replace(problem.place, origin=typed))
