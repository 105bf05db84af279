"""Sweeps as sweeps: the best scheme of each setting, and how the others did there, instead of one long table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from initbench.analysis import Comparison, cells, wording
from initbench.report.grids import Column, Grid, records

MOST_SCHEMES = 5  # that have a column each; beyond, the best and the second are named
MOST_COLUMNS = 8  # of a map over two axes


def is_sweep(comparison: Comparison) -> bool:
    """Whether several schemes were trained in several settings."""
    settings = list(cells.by_setting(comparison.schemes, comparison.axes))
    return len(settings) > 1 and len(set(comparison.schemes[cells.SCHEME])) > 1


def settings(comparison: Comparison) -> Grid:
    """A row per setting: the median steps of each scheme, and the best."""
    rows = [table for _, table in cells.by_setting(comparison.schemes, comparison.axes)]
    names = comparison.names
    if len(names) <= MOST_SCHEMES:
        middle = [Column(name, tuple(_steps_of(table, name) for table in rows), numeric=True) for name in names]
        middle.append(Column("best", tuple(_best(table) for table in rows)))
    else:
        middle = [
            Column("best", tuple(_best(table) for table in rows)),
            Column("steps to\ntarget", tuple(_steps_of(table, *_ranked(table)[:1]) for table in rows), numeric=True),
            Column("second", tuple("".join(_ranked(table)[1:2]) or wording.MISSING for table in rows)),
            Column("steps", tuple(_steps_of(table, *_ranked(table)[1:2]) for table in rows), numeric=True),
        ]
    partly = any(len(table) < len(names) for table in rows)
    untried, contested = (", blank where it was not tried", ", where two were tried") if partly else ("", "")
    return Grid(
        title=f"{comparison.results.manifest.name}: steps to {comparison.target}{over_the_sweep(comparison)}",
        columns=(*_axes(comparison, rows), *middle),
        caption=(
            f"Median over seeds, {wording.MISSING} where at least half missed{untried}; (n/N) of the seeds reached it "
            f"where not all did. Best: the fewest steps{contested}; report.md says where that is more than chance."
        ),
        sections=("",) * len(rows),
    )


def over_the_sweep(comparison: Comparison) -> str:
    """What a title says of the settings; nothing where they are two results folders."""
    return "" if cells.is_side_by_side(comparison.axes) else " over the sweep"


def values_of(column: pd.Series) -> list[str]:
    """The values of an axis in words; numbers in ascending order, others as they appear."""
    distinct = column.drop_duplicates()
    if pd.api.types.is_numeric_dtype(distinct) and not pd.api.types.is_bool_dtype(distinct):
        distinct = distinct.sort_values()
    return list(dict.fromkeys(wording.setting(value) for value in distinct))


def best_map(comparison: Comparison) -> Grid | None:
    """The best scheme over two swept axes, one down and one across; None for any other number of axes."""
    axes = cells.swept(comparison.axes)
    if len(axes) != 2 or comparison.schemes[axes[1]].nunique(dropna=False) > MOST_COLUMNS:
        return None
    titles = cells.axis_titles(axes)
    down, across = (list(dict.fromkeys(map(wording.setting, comparison.schemes[axis]))) for axis in axes)
    found = {
        tuple(wording.setting(table[axis].iloc[0]) for axis in axes): _best(table)
        for _, table in cells.by_setting(comparison.schemes, comparison.axes)
    }
    alone = "" if all(found.values()) else "; blank where a single scheme was tried"
    return Grid(
        title=f"The best scheme by {titles[axes[0]]} (down) and {titles[axes[1]]} (across)",
        columns=(
            Column(titles[axes[0]], tuple(down), names=True),
            *(Column(value, tuple(found.get((row, value), wording.MISSING) for row in down)) for value in across),
        ),
        caption=f"The fewest median steps to {comparison.target}; {wording.MISSING} where no scheme reached it{alone}.",
        sections=("",) * len(down),
    )


def _axes(comparison: Comparison, rows: Sequence[pd.DataFrame]) -> list[Column]:
    titles = cells.axis_titles(comparison.axes)
    return [
        Column(titles[axis], tuple(wording.setting(table[axis].iloc[0]) for table in rows), names=True)
        for axis in cells.swept(comparison.axes)
    ]


def _ranked(table: pd.DataFrame) -> list[str]:
    """The schemes that reached the target in most seeds, the fastest first."""
    reached = table[table["steps_to_target_median"].astype(float) < math.inf]
    return [str(name) for name in reached.sort_values("steps_to_target_median", kind="stable")[cells.SCHEME]]


def _best(table: pd.DataFrame) -> str:
    """The schemes with the fewest steps; nothing where a single scheme was tried."""
    if len(table) < 2:
        return ""
    ranked = _ranked(table)
    steps = table.set_index(cells.SCHEME)["steps_to_target_median"]
    return wording.listing([name for name in ranked if steps[name] == steps[ranked[0]]]) or wording.MISSING


def _steps_of(table: pd.DataFrame, *scheme: str) -> str:
    found = records(table[table[cells.SCHEME].isin(scheme)])
    return _cell(found[0]) if found else ""  # not trained here


def _cell(row: dict[str, Any]) -> str:
    median = float(row["steps_to_target_median"])
    text = wording.steps(median) if median < math.inf else wording.MISSING
    return text if row["reached"] in {0, row["trials"]} else f"{text} ({row['reached']}/{row['trials']})"
