"""What sweeps over the learning rate and the depth found, as tables: best and usable rates, greatest depths."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from initbench.analysis import Comparison, cells, rates, reach, wording
from initbench.report.grids import Column, Grid, records


def best_rates(comparison: Comparison) -> Grid | None:
    """Each scheme at its own best learning rate, and the range in which it trains; None where no rate is swept."""
    found = comparison.rates
    if found is None:
        return None
    rows = records(found.best)
    numbers = sorted({int(number) for number in found.best["selection_seeds"]})  # side by side, of each folder its own
    choosing = " or ".join([*map(str, numbers[:-1]), wording.count(numbers[-1], "seed")])
    return Grid(
        title="Each scheme at its own best learning rate",
        columns=(
            *_identity(comparison, found.best, rates.AXIS),
            Column("best rate", tuple(_best(row) for row in rows), numeric=True),
            Column("reached", tuple(f"{row['reached']}/{row['seeds']}" for row in rows), numeric=True),
            Column("steps to\ntarget", tuple(wording.steps(float(row["median_steps"])) for row in rows), numeric=True),
            Column("usable rates", tuple(_usable(row) for row in rows)),
            Column("decades", tuple(_decades(row) for row in rows), numeric=True),
        ),
        caption=(
            f"Best: the lowest train loss averaged over the run, on {choosing} that the next two columns do not count; "
            "* at an end of the rates tried; none: it diverged or failed at all of them. Usable: the unbroken rates "
            "around the best at which at least half of all seeds reach the target; ≥ where they run into an end of the "
            "rates tried."
        ),
        sections=_sections(comparison, found.best, rates.AXIS),
    )


def greatest_depths(comparison: Comparison) -> Grid | None:
    """The greatest depth that each scheme trains; None where no depth is swept."""
    found = comparison.reach
    if found is None:
        return None
    rows = records(found.depths)
    return Grid(
        title="The greatest depth that each scheme trains",
        columns=(
            *_identity(comparison, found.depths, reach.AXIS),
            Column("greatest depth\ntrained", tuple(_depth(row) for row in rows), numeric=True),
            Column("not trained\nat", tuple(_whole(row["fails_at"]) for row in rows), numeric=True),
        ),
        caption=(
            f"Trained: at least half of the seeds reach {comparison.target}, there and at every smaller depth tried; "
            "≥ where no greater one was tried."
        ),
        sections=_sections(comparison, found.depths, reach.AXIS),
    )


def _identity(comparison: Comparison, table: pd.DataFrame, searched: str) -> list[Column]:
    titles = cells.axis_titles(comparison.axes)
    others = [axis for axis in cells.swept(comparison.axes) if axis != searched]
    return [
        *(Column(titles[axis], tuple(map(wording.setting, table[axis])), names=True) for axis in others),
        Column("scheme", tuple(str(name) for name in table[cells.SCHEME]), names=True),
    ]


def _sections(comparison: Comparison, table: pd.DataFrame, searched: str) -> tuple[str, ...]:
    axes = [axis for axis in comparison.axes if axis != searched]
    return tuple(name for name, rows in cells.by_setting(table, axes) for _ in range(len(rows)))


def _best(row: dict[str, Any]) -> str:
    if math.isnan(row["best_rate"]):
        return "none"
    return f"{wording.setting(row['best_rate'])}{'*' if row['edge'] else ''}"


def _usable(row: dict[str, Any]) -> str:
    if math.isnan(row["usable_low"]):
        return "none"
    low, high = wording.setting(row["usable_low"]), wording.setting(row["usable_high"])
    return low if low == high else f"{low} to {high}"


def _decades(row: dict[str, Any]) -> str:
    if math.isnan(row["usable_low"]):
        return wording.MISSING
    return f"{'≥ ' if row['open_low'] or row['open_high'] else ''}{row['usable_decades']:.1f}"


def _depth(row: dict[str, Any]) -> str:
    if math.isnan(row["greatest"]):
        return "none"
    return f"{'≥ ' if math.isnan(row['fails_at']) else ''}{_whole(row['greatest'])}"


def _whole(value: float) -> str:
    return wording.MISSING if math.isnan(value) else f"{value:.0f}"
