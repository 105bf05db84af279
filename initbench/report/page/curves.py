"""Learning curves for the page: per scheme and setting the mean over the seeds, and the range from lowest to highest.

As in the figures, a mean goes only as far as every seed has a value; where a seed diverges the others go on singly.
Long curves are thinned: the mean is that of the row drawn, while the range takes in every row since the one before, so
that no spike of the range is lost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from initbench.analysis import Comparison
from initbench.records import FAILED
from initbench.report.page.numbers import numbers, picked
from initbench.report.page.places import Places, by_place

Steps = NDArray[np.int64]
Values = NDArray[np.float64]

METRICS = ("train_loss", "test_loss", "test_accuracy")
_POINTS = 30_000  # of one metric on the page, over all its curves
_FEWEST, _MOST = 12, 300  # of one curve
_LINES, _MOST_ALONE = 5_000, 50  # seeds drawn singly, over all curves of a metric and in one of them


def series(comparison: Comparison, places: Places) -> dict[str, list[dict[str, Any]]]:
    """By metric, a curve for each scheme and setting that has data; metrics without any are left out."""
    measured = comparison.trials[comparison.trials["status"] != FAILED]
    curves = comparison.results.records.curves.reindex(columns=["id", "step", *METRICS])
    rows = places.join(curves[curves["id"].isin(measured["id"])])
    ends = places.join(measured[measured["status"] == "diverged"])
    found = {metric: _of_metric(rows, metric, measured, places, ends) for metric in METRICS}
    return {metric: drawn for metric, drawn in found.items() if drawn}


def _of_metric(
    rows: pd.DataFrame, metric: str, measured: pd.DataFrame, places: Places, ends: pd.DataFrame
) -> list[dict[str, Any]]:
    wide = rows[np.isfinite(rows[metric].astype(float))].pivot_table(index="step", columns="id", values=metric)
    values = np.append(wide.to_numpy(dtype=float), np.full((len(wide), 1), np.nan), axis=1)  # the last holds none
    column = {trial: index for index, trial in enumerate(wide.columns)}
    groups = by_place(places.join(measured[["id"]]))
    diverged = by_place(ends)
    most = int(np.clip(_POINTS // max(1, len(groups)), _FEWEST, _MOST))
    lines = int(np.clip(_LINES // max(1, len(groups)), _FEWEST, _MOST_ALONE))
    found = []
    for place, trials in groups.items():
        table = values[:, [column.get(trial, -1) for trial in trials["id"]]]  # a seed without a value keeps its column
        logged = ~np.isnan(table).all(axis=1)
        if logged.any():
            ended = numbers(diverged[place]["diverged_step"].astype(float).fillna(0.0)) if place in diverged else []
            found.append(
                {
                    "setting": place[0],
                    "scheme": place[1],
                    "seeds": len(trials),
                    **_curve(wide.index.to_numpy()[logged], table[logged], most, lines),
                    "diverged": ended,
                }
            )
    return found


def _curve(steps: Steps, table: Values, most: int, lines: int) -> dict[str, Any]:
    """Mean and range of a table of steps by trials, and what goes on alone after the first seed has ended."""
    whole = ~np.isnan(table).any(axis=1)
    shared, values = steps[whole], table[whole]
    rows = picked(len(shared), most)
    start = np.concatenate([[0], rows[:-1] + 1]) if len(rows) else rows
    after = steps >= (shared[-1] if len(shared) else -np.inf)
    alone = [(steps[going], one[going]) for one in table.T if (going := after & ~np.isnan(one)).sum() > 1]
    return {
        "steps": numbers(shared[rows]),
        "mean": numbers(values[rows].mean(axis=1)) if len(rows) else [],
        "low": numbers(np.minimum.reduceat(values.min(axis=1), start)) if len(rows) else [],
        "high": numbers(np.maximum.reduceat(values.max(axis=1), start)) if len(rows) else [],
        "alone": [
            {"steps": numbers(at[picked(len(at), most)]), "values": numbers(one[picked(len(at), most)])}
            for at, one in (alone[index] for index in picked(len(alone), lines))
        ],
    }
