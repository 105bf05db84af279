"""``initbench list``: what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from initbench.cli import console

if TYPE_CHECKING:
    from initbench.component import Catalog

Cells = tuple[str, ...]


class Kind(StrEnum):
    """What can be listed."""

    INITS = "inits"
    ACTIVATIONS = "activations"
    NETWORKS = "networks"
    DATASETS = "datasets"
    OPTIMIZERS = "optimizers"
    SCHEDULES = "schedules"
    CONFIGS = "configs"


def list_components(
    kind: Annotated[
        Kind | None, typer.Argument(help="What to list: everything, if left out.", show_default=False)
    ] = None,
) -> None:
    """List schemes, activations, networks, datasets, optimizers, schedules and shipped configs.

    Example: initbench list inits
    """
    screen = console.out()
    for shown in [kind] if kind else Kind:
        if kind is None:
            screen.print(Text(f"\n{shown.value.capitalize()}", style="bold"))
        screen.print(_table(*_LISTS[shown]()))
    hint = "initbench run NAME runs one" if kind is Kind.CONFIGS else "initbench show NAME tells more"
    screen.print(f"\n{hint}.", style="dim")


def _inits() -> tuple[Cells, Iterator[Cells]]:
    from initbench.inits import INITS

    return ("name", "formula", "what it is"), ((name, cls.formula, cls.summary()) for name, cls in INITS.items())


def _activations() -> tuple[Cells, Iterator[Cells]]:
    from initbench.activations import ACTIVATIONS

    heading = ("name", "gain", "gradient gain", "what it is")
    functions = ((name, cls(), cls.summary()) for name, cls in ACTIVATIONS.items())
    return heading, ((name, f"{f.gain:.4f}", f"{f.gradient_gain:.4f}", about) for name, f, about in functions)


def _configs() -> tuple[Cells, Iterator[Cells]]:
    from initbench.config import shipped_configs

    files = shipped_configs().items()
    return ("name", "what it shows"), ((name, _first_line(path.read_text(encoding="utf-8"))) for name, path in files)


def _plain(kind: str) -> tuple[Cells, Iterator[Cells]]:
    from initbench.config import CATALOGS

    catalog: Catalog[Any] = CATALOGS[kind]
    return ("name", "what it is"), ((name, cls.summary()) for name, cls in catalog.items())


_LISTS: Mapping[Kind, Callable[[], tuple[Cells, Iterator[Cells]]]] = {
    Kind.INITS: _inits,
    Kind.ACTIVATIONS: _activations,
    Kind.NETWORKS: lambda: _plain("network"),
    Kind.DATASETS: lambda: _plain("dataset"),
    Kind.OPTIMIZERS: lambda: _plain("optimizer"),
    Kind.SCHEDULES: lambda: _plain("schedule"),
    Kind.CONFIGS: _configs,
}


def _first_line(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ")


def _table(heading: Cells, rows: Iterator[Cells]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for index, name in enumerate(heading):
        table.add_column(name, justify="right" if "gain" in name else "left", no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
