"""The end of a run on the terminal: the tables, the sentence, what went wrong, and where everything lies."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from initbench.analysis import Comparison
from initbench.in_terminal import Column, Fitted, Role
from initbench.report import evidence, grids, sweeps

_STYLES = {
    "converged": "green",
    "slow": "yellow",
    **dict.fromkeys(("stalled", "dead", "symmetric"), "red"),
    **dict.fromkeys(("diverged", "failed"), "bold red"),
}
_MOST_LINES = 10
_MOST_LAYER_ROWS = 12  # beyond, they are in report.md
_MOST_CLAIMS = 8
_MOST_SWEPT = 20


def render(comparison: Comparison) -> Group:
    """What the terminal shows of a comparison. Names and reasons are printed as they are, never as markup."""
    parts = _tables(comparison)
    for grid in grids.layer_signals(comparison):
        parts += _table(grid) if len(grid.rows) <= _MOST_LAYER_ROWS else []
    parts += [Text(f"note: {note}", style="yellow") for note in comparison.notes]
    parts += _listed(grids.unfinished(comparison), "red")
    parts += _listed(evidence.misses(comparison), "yellow")
    parts += [Text(comparison.sentence, style="bold"), *_claims(comparison)]
    return Group(*parts, Text(""), _places(comparison))


def _tables(comparison: Comparison) -> list[RenderableType]:
    """How the schemes fared: in a sweep setting by setting, else scheme by scheme, with the paired contrasts."""
    if comparison.schemes.empty:
        return []
    if sweeps.is_sweep(comparison):
        best = sweeps.best_map(comparison)
        return [*(_table(best) if best else []), *_table(sweeps.settings(comparison))]
    paired = evidence.contrasts(comparison)
    styles = [str(state) for state in comparison.schemes["state"]]
    shares = evidence.shares(comparison)
    further = [grid for grid in (paired, shares) if grid is not None]
    return [*_table(grids.schemes(comparison), styles), *(part for grid in further for part in _table(grid))]


def _claims(comparison: Comparison) -> list[Text]:
    if sweeps.is_sweep(comparison):
        return [Text(line) for line in evidence.of_sweep(comparison)[:_MOST_SWEPT]]
    more = len(comparison.claims) - _MOST_CLAIMS
    rest = [f"and {more} more, all in report.md"] if more > 0 else []
    return [Text(claim) for claim in (*comparison.claims[:_MOST_CLAIMS], *rest)]


def _table(grid: grids.Grid, styles: list[str] | None = None) -> list[RenderableType]:
    """Title, table and caption; ``styles`` are those of the last column."""
    columns = [
        Column(column.heading, tuple(map(Text, column.cells)), _role(column), column.spare) for column in grid.columns
    ]
    for text, style in zip(columns[-1].cells, styles or (), strict=False):
        text.stylize(_STYLES.get(style, ""))
    table = Fitted(tuple(columns), "report.md has all", grid.sections)
    return [Text(grid.title, style="bold"), table, Text(grid.caption, style="dim"), Text("")]


def _role(column: grids.Column) -> Role:
    return Role.NAME if column.names else Role.NUMBER if column.numeric else Role.PROSE


def _listed(lines: list[str], style: str) -> list[Text]:
    more = len(lines) - _MOST_LINES
    shown = [Text(line, style=style) for line in lines[:_MOST_LINES]]
    rest = [Text(f"and {more} more, all in report.md", style=style)] if more > 0 else []
    return [*shown, *rest, Text("")] if shown else []


def _places(comparison: Comparison) -> Text:
    return Text(
        f"{comparison.results.path}: report.html, report.md, summary.csv, contrasts.csv, layers.csv, figures/",
        style="dim",
    )
