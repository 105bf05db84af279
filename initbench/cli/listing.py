"""``initbench list``: what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from initbench.cli import completion, console
from initbench.errors import InitbenchError

if TYPE_CHECKING:
    from initbench.component import Catalog

Cells = tuple[str, ...]


def list_components(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="inits, activations, networks, datasets, optimizers, schedules or configs.",
            show_default="everything",
            autocompletion=completion.listable,
        ),
    ] = None,
) -> None:
    """List schemes, activations, networks, datasets, optimizers, schedules and shipped configs.

    Example: initbench list inits
    """
    if kind is not None and kind not in _LISTS:
        near = get_close_matches(kind.lower(), _LISTS, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"expected {', '.join(_LISTS)}"
        raise InitbenchError(f"there is no list of '{kind}'; {hint}")
    screen = console.out()
    for shown in _LISTS if kind is None else [kind]:
        if kind is None:
            screen.print(Text(f"\n{shown.capitalize()}\n", style="bold"))
        screen.print(_table(*_LISTS[shown]()))
    hint = "initbench run NAME runs one" if kind == "configs" else "initbench show NAME tells more"
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
    return ("name", "what it shows"), ((name, _opening(path.read_text(encoding="utf-8"))) for name, path in files)


def _plain(kind: str) -> tuple[Cells, Iterator[Cells]]:
    from initbench.config import CATALOGS

    catalog: Catalog[Any] = CATALOGS[kind]
    return ("name", "what it is"), ((name, cls.summary()) for name, cls in catalog.items())


_LISTS: Mapping[str, Callable[[], tuple[Cells, Iterator[Cells]]]] = {
    "inits": _inits,
    "activations": _activations,
    "networks": lambda: _plain("network"),
    "datasets": lambda: _plain("dataset"),
    "optimizers": lambda: _plain("optimizer"),
    "schedules": lambda: _plain("schedule"),
    "configs": _configs,
}


def _opening(text: str) -> str:
    """The first paragraph of the comment that a config begins with."""
    comment = takewhile(lambda line: line.startswith("#") and line.strip("# "), text.splitlines())
    return " ".join(line.strip("# ") for line in comment)


def _table(heading: Cells, rows: Iterator[Cells]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for index, name in enumerate(heading):
        table.add_column(name, justify="right" if "gain" in name else "left", no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell.replace("``", "")) for cell in row))
    return table
