"""The end of a run on the terminal: the tables, the sentence, what went wrong, and where everything lies."""

from __future__ import annotations

from itertools import pairwise

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from initbench.analysis import Comparison
from initbench.report import grids

_STYLES = {"converged": "green", "slow": "yellow", "stalled": "red", "diverged": "bold red", "failed": "bold red"}
_MOST_LINES = 10
_MOST_LAYER_ROWS = 24


def render(comparison: Comparison) -> Group:
    """What the terminal shows of a comparison. Names and reasons are printed as they are, never as markup."""
    parts: list[RenderableType] = []
    if len(comparison.schemes):
        parts.append(_table(grids.schemes(comparison), styles=[str(state) for state in comparison.schemes["state"]]))
    signals = grids.layer_signals(comparison)
    if signals is not None and len(signals.rows) <= _MOST_LAYER_ROWS:
        parts.append(_table(signals))
    parts += [Text(f"note: {note}", style="yellow") for note in comparison.notes]
    parts += _unfinished(comparison)
    parts += [Text(""), Text(comparison.sentence, style="bold")]
    return Group(*parts, _places(comparison))


def _table(grid: grids.Grid, styles: list[str] | None = None) -> Table:
    table = Table(
        title=Text(grid.title, style="bold"),
        title_justify="left",
        caption=Text(grid.caption, style="dim"),
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    for column in grid.columns:
        table.add_column(
            Text(column.heading),
            justify="right" if column.numeric else "left",
            no_wrap=column.numeric,
            overflow="fold",
            vertical="bottom",
        )
    ends = [here != after for here, after in pairwise(grid.sections)] + [False]
    for index, (row, end) in enumerate(zip(grid.rows, ends, strict=True)):
        texts = [Text(cell) for cell in row]
        if styles:
            texts[-1].stylize(_STYLES.get(styles[index], ""))
        table.add_row(*texts, end_section=end)
    return table


def _unfinished(comparison: Comparison) -> list[Text]:
    lines = grids.unfinished(comparison)
    more = len(lines) - _MOST_LINES
    shown = [Text(line, style="red") for line in lines[:_MOST_LINES]]
    return [*shown, Text(f"and {more} more, all in report.md", style="red")] if more > 0 else shown


def _places(comparison: Comparison) -> Text:
    return Text(f"\n{comparison.results.path}: report.md, summary.csv, layers.csv, figures/", style="dim")
