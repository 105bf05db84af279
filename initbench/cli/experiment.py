"""The options that describe an experiment without a config, and the experiment that they describe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from initbench.cli import completion
from initbench.errors import InitbenchError

if TYPE_CHECKING:
    from initbench.config import ConfigError, Experiment, Problem

EXPERIMENT = "Experiment"
_KEYS = {"depth": "network.depth", "width": "network.width", "lr": "optimizer.lr"}


@dataclass(frozen=True)
class Subject:
    """The network and its data; what is None stays as the experiment has it."""

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


@dataclass(frozen=True)
class Recipe:
    """How the network is trained; what is None stays as the experiment has it."""

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


def described(
    schemes: Sequence[str], subject: Subject, recipe: Recipe, overrides: Sequence[str], data_dir: Path | None
) -> Experiment:
    """The experiment that the options describe. Raises ConfigError, its problems placed at the options."""
    from initbench.api import schemes_compared
    from initbench.config import ConfigError

    given = {name: text for name, text in _options(subject, recipe) if name != "config"}
    _refuse_conflicts(given)
    typed = {f"{_KEYS.get(name, name)}={text}": f"--{name} {text}" for name, text in given.items()}
    try:
        return schemes_compared(schemes, subject.config, [*typed, *overrides], data_dir)
    except ConfigError as error:
        raise ConfigError(_as_typed(error, typed)) from error


def _options(*described_by: Subject | Recipe) -> Iterator[tuple[str, str]]:
    """The options that were given, with their texts."""
    for part in described_by:
        for field in fields(part):
            if (text := getattr(part, field.name)) is not None:
                yield field.name, text


def _refuse_conflicts(given: Mapping[str, str]) -> None:
    """The same option given twice: by itself, and inside the component."""
    from initbench.config import CATALOGS, parse_components

    for kind, options in {"network": ("depth", "width"), "optimizer": ("lr",)}.items():
        for option in options:
            if kind not in given or option not in given:
                continue
            if any(option in component.model_fields_set for component in parse_components(given[kind], CATALOGS[kind])):
                raise InitbenchError(
                    f"--{option} {given[option]} and --{kind} {given[kind]} both set {option}; keep one"
                )


def _as_typed(error: ConfigError, typed: Mapping[str, str]) -> Iterator[Problem]:
    """The problems, placed at the options that the user typed."""
    for problem in error.problems:
        origin = problem.place.origin
        yield replace(problem, place=replace(problem.place, origin=typed.get(origin.removeprefix("--set "), origin)))
