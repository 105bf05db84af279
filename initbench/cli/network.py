"""The options that describe one network, for commands that look at it before training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from initbench.cli import completion
from initbench.cli.compare import Setup

NETWORK = "Network"


@dataclass(frozen=True)
class Subject:
    """The network, its data and the seeds; what is None stays as the experiment has it."""

    config: Annotated[
        str | None,
        typer.Option(
            help="Take network, activation and dataset from this config.",
            rich_help_panel=NETWORK,
            metavar="CONFIG",
            autocompletion=completion.configs,
        ),
    ] = None
    network: Annotated[
        str | None,
        typer.Option(help=r"Network, such as mlp or 'cnn\[depth=10]'.", rich_help_panel=NETWORK, show_default="mlp"),
    ] = None
    activation: Annotated[
        str | None, typer.Option(help="Activation.", rich_help_panel=NETWORK, show_default="relu")
    ] = None
    depth: Annotated[
        str | None, typer.Option(help="Weight layers of the network.", rich_help_panel=NETWORK, show_default="22")
    ] = None
    width: Annotated[
        str | None, typer.Option(help="Units of each hidden layer.", rich_help_panel=NETWORK, show_default="128")
    ] = None
    dataset: Annotated[str | None, typer.Option(help="Dataset.", rich_help_panel=NETWORK, show_default="mnist_10k")] = (
        None
    )
    data_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="INITBENCH_DATA",
            help="Folder of downloaded data.",
            show_default="a folder in your cache",
            rich_help_panel=NETWORK,
            metavar="DIR",
        ),
    ] = None

    def setup(self, seeds: int) -> Setup:
        """The same as a setup for ``described``."""
        given = (self.config, self.network, self.activation, self.depth, self.width, self.dataset)
        return Setup(*given, seeds=str(seeds))
