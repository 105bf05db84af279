"""Variance shares: how much of the scatter is the draw of the weights, how much the order of the data.

Where every weight seed was trained with every data seed, a result splits as y = μ + a(weights) + b(data) + c(both),
with independent random effects a, b and c. There is one run for each combination and a run is determined by its two
seeds, so nothing is left over: what the two do not explain one by one is their interaction. The variances are estimated
from the mean squares of the two-way table,

    σ²(both) = MS(both),  σ²(weights) = (MS(weights) - MS(both)) / data seeds,  and likewise for the data,

a negative estimate counting as zero. Shares of few seeds are rough; the p-values say whether an effect is there at all,
by the F ratios MS(weights) / MS(both) and MS(data) / MS(both).

Searle, Casella and McCulloch, "Variance Components", 1992, section 4.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from initbench.analysis import cells

METRICS = ("log_steps_to_target", "final_train_loss", "final_test_loss", "final_test_accuracy")
COLUMNS = (
    *("metric", "weight_seeds", "data_seeds", "mean", "sd"),
    *("weights_share", "data_share", "both_share", "weights_p", "data_p"),
)


def variance_shares(trials: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """One row per cell and metric where seeds are crossed and every run has a value; empty where they are not.

    Shares are of ``sd`` squared, the sum of the three variances, and add up to 1; NaN where nothing scatters. Steps are
    taken as logarithms.
    """
    rows = []
    for cell, table in cells.by_cell(trials, axes) if _any_crossed(trials) else ():
        values = table.assign(log_steps_to_target=np.log(table["steps_to_target"].astype(float).clip(lower=1)))
        for metric in METRICS:
            grid = values.pivot_table(index="seed", columns="data_seed", values=metric, aggfunc="first", dropna=False)
            crossed = min(grid.shape) > 1 and bool(np.isfinite(grid.to_numpy(float)).all())
            rows += [{**cell, "metric": metric, **shares(grid.to_numpy(float))}] if crossed else []
    return pd.DataFrame(rows, columns=[*axes, *COLUMNS])


def _any_crossed(trials: pd.DataFrame) -> bool:
    """Whether some weight seed was trained with several data seeds, and some data seed with several weight seeds."""
    if "data_seed" not in trials:
        return False
    pairs = trials[["seed", "data_seed"]].drop_duplicates()
    return bool(pairs["seed"].duplicated().any() and pairs["data_seed"].duplicated().any())


def shares(grid: np.ndarray) -> dict[str, Any]:
    """The variance components of a table with a row per weight seed and a column per data seed."""
    weights, data = grid.shape
    mean = grid.mean()
    by_weights, by_data = grid.mean(axis=1), grid.mean(axis=0)
    rest = grid - by_weights[:, None] - by_data + mean
    freedom = (weights - 1) * (data - 1)
    square_both = float((rest**2).sum() / freedom)
    square_weights = float(data * by_weights.var(ddof=1))
    square_data = float(weights * by_data.var(ddof=1))
    parts = np.array(
        [max(0.0, square_weights - square_both) / data, max(0.0, square_data - square_both) / weights, square_both]
    )
    total = float(parts.sum())
    part = parts / total if total > 0 else np.full(3, np.nan)
    return {
        "weight_seeds": weights,
        "data_seeds": data,
        "mean": float(mean),
        "sd": total**0.5,
        **dict(zip(("weights_share", "data_share", "both_share"), map(float, part), strict=True)),
        "weights_p": _p_value(square_weights, square_both, weights - 1, freedom),
        "data_p": _p_value(square_data, square_both, data - 1, freedom),
    }


def _p_value(square: float, error: float, freedom: int, error_freedom: int) -> float:
    from scipy import special  # scipy.stats would take half a second to import

    if error == 0:
        return float("nan") if square == 0 else 0.0
    return float(special.fdtrc(freedom, error_freedom, square / error))
