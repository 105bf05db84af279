"""The tables that stand in the page itself: those of the terminal with a ratio, and a word on how to read them.

Cells keep the text that other reports show. What a column is sorted by is read off that text: rows sort as
they look.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import pandas as pd

from initbench.analysis import Comparison, cells, contrasts, wording
from initbench.report import evidence, grids, searches
from initbench.report.grids import Column, Grid
from initbench.report.page.places import SCHEME, SETTING, Places
from initbench.report.palette import COLORS

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?")
_OF = re.compile(r"(\d+)/(\d+)")
_QUARTERS = (0.25, 0.5, 0.75, 1.0)
_LAST = "inf"  # sorts behind every number, as a miss does


@dataclass(frozen=True)
class Cell:
    """A cell: its text, and what it is sorted by ("" for nothing, which goes last in either direction)."""

    text: str
    sort: str


@dataclass(frozen=True)
class Table:
    """A grid made ready for the template: headings with the kind of their column, and rows with the scheme's color."""

    id: str
    title: str
    look_for: str
    caption: str
    headings: tuple[tuple[str, bool], ...]
    head: int  # the column that names the row
    rows: tuple[tuple[int | None, tuple[Cell, ...]], ...]


def build(comparison: Comparison, places: Places) -> dict[str, Table]:
    """The tables by their place in the page; one without rows is left out."""
    made: dict[str, Table] = {}
    if len(comparison.schemes):
        main = _with_ratio(grids.schemes(comparison), comparison)
        made["schemes"] = _table("schemes", main, places, _SCHEMES)
        losses = _losses(comparison, places)
        made |= {"losses": _table("losses", losses, places, _LOSSES)} if losses.columns[0].cells else {}
        paired = evidence.contrasts(comparison)
        made |= {"contrasts": _table("contrasts", paired, places, _CONTRASTS)} if paired else {}
        for name, grid, look_for in (
            ("rates", searches.best_rates(comparison), _RATES),
            ("depths", searches.greatest_depths(comparison), _DEPTHS),
            ("shares", evidence.shares(comparison), _SHARES),
        ):
            made |= {name: _table(name, grid, places, look_for)} if grid else {}
        made["intervals"] = _table("intervals", evidence.intervals(comparison), places, _INTERVALS)
    for name, grid in zip(("forward", "backward"), grids.layer_signals(comparison), strict=False):
        made[name] = _table(name, grid, places, _SIGNALS)
    return made


_SCHEMES = (
    "reached first, then steps: a scheme that reaches the target in every seed beats one that is faster in a "
    "lucky few. A ratio below ×1 means fewer steps than the reference."
)
_CONTRASTS = (
    "a range that leaves out ×1 (or a difference of 0), and a corrected p below 0.05: short of both, another set of "
    "seeds may well turn the order around."
)
_INTERVALS = "intervals that do not touch. Overlapping ones can still differ seed by seed: see the paired table."
_RATES = (
    "whether the order differs from that at equal rates, and a usable range of more than a decade: a scheme that "
    "forgives a wrong rate is worth a few steps."
)
_DEPTHS = "a scheme that stops far before the others: its signal or its gradient does not survive more layers."
_SHARES = (
    "a large share of the weights: more weight seeds will make the intervals narrower. A large share of the data "
    "order: more data seeds will."
)
_LOSSES = (
    "schemes that lead early and are overtaken later, and a last column near ×1, where the choice stops to matter."
)
_SIGNALS = (
    "a factor per layer close to ×1. Below it the signal vanishes with depth, above it it explodes; "
    "×0.5 over 30 layers is a factor of a billion."
)


def _with_ratio(grid: Grid, comparison: Comparison) -> Grid:
    """The main table with each scheme's median steps over those of the reference in the same setting."""
    table = comparison.schemes
    ratios: list[str] = []
    bounds = _bounds(comparison)
    for setting, rows in cells.by_setting(table, comparison.axes):
        medians = rows["steps_to_target_median"].astype(float).to_numpy()
        own = medians[(rows[cells.SCHEME] == comparison.reference).to_numpy()]
        reference = float(own[0]) if len(own) else math.nan
        ratios += [
            _ratio(float(value), reference, bounds.get((setting, str(name)), ""))
            for value, name in zip(medians, rows[cells.SCHEME], strict=True)
        ]
    heading = f"steps ÷\n{comparison.reference}"
    at = next((i + 1 for i, column in enumerate(grid.columns) if column.heading.startswith("steps to")), 1)
    columns = (*grid.columns[:at], Column(heading, tuple(ratios), numeric=True), *grid.columns[at:])
    return Grid(grid.title, columns, grid.caption, grid.sections)


def _bounds(comparison: Comparison) -> dict[tuple[str, str], str]:
    """The paired bounds on the ratio of steps, by setting and scheme, where a miss counts its whole budget."""
    steps = comparison.contrasts[comparison.contrasts["metric"] == contrasts.STEPS]
    return {
        (setting, str(row[cells.SCHEME])): f"{evidence.BEYOND_BOUND[row['bound']]}{wording.factor(row['estimate'])}"
        for setting, rows in (cells.by_setting(steps, comparison.axes) if len(steps) else ())
        for row in rows.to_dict("records")
        if row["pairs"] and row["bound"] in evidence.BEYOND_BOUND
    }


def _ratio(value: float, reference: float, bound: str) -> str:
    """``×0.50``; where one of the two missed, the ``bound`` on it, or ``> ×1`` or ``< ×1`` where no pair gives one."""
    if math.isnan(value) or math.isnan(reference) or (math.isinf(value) and math.isinf(reference)):
        return wording.MISSING
    if math.isinf(value):
        return bound or "> ×1"
    if math.isinf(reference):
        return bound or "< ×1"
    return wording.factor(value / reference) if reference > 0 else wording.MISSING


def _losses(comparison: Comparison, places: Places) -> Grid:
    """The mean train loss after each quarter of the updates, with the last one over that of the reference."""
    curves = comparison.results.records.curves.reindex(columns=["id", "step", "train_loss"]).dropna()
    budget = float(comparison.trials["steps"].astype(float).max())
    finished = comparison.trials.loc[comparison.trials["status"] == "finished", "id"]
    rows = places.join(curves[curves["id"].isin(finished) & (curves["step"] > 0)])
    means = pd.concat([_means_at(rows, quarter * budget) for quarter in _QUARTERS], axis=1).sort_index()
    reference = places.schemes.index(comparison.reference)
    measured = dict(zip(means.index.tolist(), means.to_numpy(dtype=float), strict=True))
    lines = []
    for (setting, scheme), row in measured.items():
        over = row[-1] / measured[setting, reference][-1] if (setting, reference) in measured else math.nan
        shown = [*map(wording.significant, row), wording.factor(over)]
        lines.append((places.settings[setting], places.schemes[scheme], *shown))
    names = ["setting", "scheme", *(f"at step\n{quarter * budget:.0f}" for quarter in _QUARTERS)]
    headings = [*names, f"last ÷\n{comparison.reference}"]
    columns = [
        Column(heading, tuple(line[i] for line in lines), numeric=i > 1)
        for i, heading in enumerate(headings)
        if i or any(places.settings)
    ]
    caption = "Mean train loss over the seeds that finished, at the last logged step up to the one named."
    return Grid("Train loss along the way", tuple(columns), caption, tuple(line[0] for line in lines))


def _means_at(rows: pd.DataFrame, step: float) -> pd.Series:
    """By setting and scheme, the mean over trials of the last logged train loss up to a step."""
    latest = rows[rows["step"] <= step].drop_duplicates("id", keep="last")  # records are in the order of their steps
    return latest.groupby([SETTING, SCHEME])["train_loss"].mean()


def _table(name: str, grid: Grid, places: Places, look_for: str) -> Table:
    head = next(i for i, column in enumerate(grid.columns) if column.heading == "scheme")
    rank = {scheme: index for index, scheme in enumerate(places.schemes)}
    rows = [
        (
            rank[row[head]] % len(COLORS) if row[head] in rank else None,
            tuple(
                Cell(text, _sort(text) if column.numeric else text)
                for text, column in zip(row, grid.columns, strict=True)
            ),
        )
        for row in grid.rows
    ]
    headings = tuple((column.heading, column.numeric) for column in grid.columns)
    return Table(name, grid.title, look_for, grid.caption, headings, head, tuple(rows))


def _sort(text: str) -> str:
    if text.startswith((wording.NOT_REACHED, "> ×1", "≥ ×", "∞", "diverged", "failed")):
        return _LAST
    if text == "< ×1":
        return "0"
    if share := _OF.fullmatch(text):
        return f"{int(share[1]) / max(1, int(share[2])):.6f}"
    found = _NUMBER.search(text)
    return found[0] if found else ""
