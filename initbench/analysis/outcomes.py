"""What became of the trials: when each reached the target, how it ended, and what the seeds of a scheme add up to.

The state of a trial is the first that holds:

- ``failed``: an exception ended it; nothing was measured.
- ``diverged``: its loss left the finite numbers or the bound, whether or not it had reached the target before.
- ``converged``: it reached the target.
- ``symmetric``, ``dead``: the units of a hidden layer stayed alike, or died (``failures``).
- ``stalled``: its final train loss lies within 1 % of chance (ln of the number of classes), or is not 1 % below the
  first loss that was logged. The second half is all there is for regression.
- ``slow``: none of these; the loss fell, but not to the target. The evidence says whether it was still falling.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from initbench.analysis import cells, failures, intervals
from initbench.records import FAILED, Results

Values = NDArray[Any]

STATES = ("converged", "slow", "stalled", "dead", "symmetric", "diverged", "failed")  # from best to worst
_FINALS = (
    *("final_train_loss", "final_test_loss", "final_test_accuracy"),
    *("best_train_loss", "best_test_loss", "best_test_accuracy"),
)
_GEOMETRIC = ("final_train_loss", "final_test_loss", "loss_area")
_SUMMARIZED = ("seed", "status", "state", "steps", "steps_to_target", *_FINALS, "loss_area", "seconds")

_NEEDED = [
    *("id", "init", "seed", "status", "reason", "diverged_step", "first_bad_layer", "steps", "outputs", "task"),
    *("final_train_loss", "final_test_loss", "final_test_accuracy"),
    *("best_train_loss", "best_test_loss", "best_test_accuracy", "seconds"),
]


def trials(results: Results) -> pd.DataFrame:
    """The outcomes, one row per trial, with columns more.

    ``steps_to_target`` is the first logged step whose metric satisfies the target: infinite for a miss, NaN for a
    failed trial. A train loss is the mean over the window that ends at its step, as logged. ``loss_area`` is the sum of
    the train losses of all updates, NaN unless the trial finished. ``state`` is described at the head of this module;
    ``bad_step``, ``bad_layer`` and ``evidence`` say what speaks for it (``failures.evidence``).
    """
    outcomes = results.records.outcomes
    curves = results.records.curves.reindex(columns=["id", "step", "train_loss", "test_loss", "test_accuracy"])
    missing = [column for column in (*_NEEDED, *results.manifest.axes) if column not in outcomes]
    table = outcomes.assign(**dict.fromkeys(missing, np.nan))
    reached = _first_step(curves, results.manifest.target_metric, results.manifest.target_value)
    steps = table["id"].map(reached).astype(float).fillna(math.inf)
    area = table["id"].map(_loss_area(curves)).astype(float)
    table["steps_to_target"] = steps.where(table["status"] != FAILED)
    table["loss_area"] = area.where(table["status"] == "finished")
    table["state"] = _states(table, table["id"].map(_start(curves)).astype(float))
    table["state"] = failures.refined(table, results.records.layers)
    return table.join(failures.evidence(table, results.records.layers, curves))


def schemes(trials: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """One row per cell of the axes: counts, the median steps to the target, and summaries of the finished trials.

    The median and the quartiles (``_q25``, ``_q75``) of the steps count a miss as infinite and leave failed trials out.
    Means (``_mean`` arithmetic, ``_geomean`` geometric) and standard deviations (n - 1) run over the ``finished``
    trials alone: the loss of a diverged trial is never averaged, nor replaced. ``_low`` and ``_high`` enclose the
    arithmetic mean, or the median of the steps, at 95 % (``intervals``; with fewer than six seeds those of the steps
    are their range, at ``steps_to_target_level``). Runs that share a weight seed count as one there.
    ``best_train_loss`` is the best of all seeds, ``best_train_loss_mean`` the mean of each seed's best. ``state`` is
    that of most trials, the worse one in a tie; ``states`` spells a mixture out.
    """
    wanted = trials[list(dict.fromkeys([*axes, *_SUMMARIZED]))]
    rows = [{**cell, **_summary(rows)} for cell, rows in cells.by_cell(wanted, axes)]
    return pd.DataFrame(rows, columns=None if rows else [*axes, *_summary(trials)])


def _first_step(curves: pd.DataFrame, metric: str, value: float) -> pd.Series:
    satisfied = curves[metric] >= value if metric.endswith("accuracy") else curves[metric] <= value
    return curves[satisfied].groupby("id")["step"].min()


def _start(curves: pd.DataFrame) -> pd.Series:
    """The first logged train loss of each trial; none where it is also the last, for then nothing can have moved."""
    logged = curves.dropna(subset=["train_loss"]).groupby("id")["train_loss"]
    return logged.first()[logged.size() > 1]


def _loss_area(curves: pd.DataFrame) -> pd.Series:
    """Each logged loss times the updates that it averages; a row that only holds an evaluation has none."""
    logged = curves.dropna(subset=["train_loss"])
    window = logged.groupby("id")["step"].diff().fillna(logged["step"])
    return (logged["train_loss"] * window).groupby(logged["id"]).sum()


def _states(table: pd.DataFrame, start: pd.Series) -> np.ndarray:
    loss = table["final_train_loss"].astype(float)
    chance = table["outputs"].astype(float).map(math.log).where(table["task"] == "classification")
    stalled = ((loss - chance).abs() <= failures.STALL * chance) | (loss >= start - failures.STALL * start.abs())
    conditions: dict[str, pd.Series] = {
        "failed": table["status"] == FAILED,
        "diverged": table["status"] == "diverged",
        "converged": table["steps_to_target"] < math.inf,
        "stalled": stalled,
    }
    return np.select(list(conditions.values()), list(conditions), default="slow")


def _summary(cell: pd.DataFrame) -> dict[str, object]:
    finished = cell[cell["status"] == "finished"]
    measured = cell[cell["status"] != FAILED]
    tally = Counter(cell["state"])
    present = [state for state in STATES if state in tally]
    return {
        "trials": len(cell),
        "seeds": len(set(cell["seed"])),
        "finished": len(finished),
        "diverged": int(tally.get("diverged", 0)),
        "failed": int(tally.get("failed", 0)),
        "reached": int((cell["steps_to_target"] < math.inf).sum()),
        "steps": cell["steps"].max(),
        **_steps(measured["steps_to_target"].astype(float), measured["seed"]),
        **_spread(finished),
        "best_train_loss": cell["best_train_loss"].astype(float).min(),
        "best_test_loss": cell["best_test_loss"].astype(float).min(),
        "best_test_accuracy": cell["best_test_accuracy"].astype(float).max(),
        "seconds_mean": finished["seconds"].astype(float).mean(),
        "state": max(present, key=lambda state: (tally[state], STATES.index(state)), default=""),
        "states": present[0] if len(present) == 1 else ", ".join(f"{s} {tally[s]}/{len(cell)}" for s in present),
    }


def _steps(steps: pd.Series, seeds: pd.Series) -> dict[str, float]:
    values = steps.to_numpy()
    interval = intervals.of_median(_by_seed(values, seeds.to_numpy(), np.median))
    summary = {
        "median": float(np.median(values)) if len(values) else math.nan,
        "low": interval.low,
        "high": interval.high,
        "level": interval.level,
        **{f"q{share:.0%}".rstrip("%"): intervals.quantile(values, share) for share in intervals.QUARTILES},
        "min": values.min(initial=math.inf) if len(values) else math.nan,
        "max": values.max(initial=-math.inf) if len(values) else math.nan,
        "geomean": intervals.geometric_mean(values),
    }
    return {f"steps_to_target_{name}": value for name, value in summary.items()}


def _spread(finished: pd.DataFrame) -> dict[str, float]:
    """Mean, standard deviation, interval of the mean and median of what is finite at the end of a run."""
    columns = (*_FINALS, "loss_area")
    table, seeds = finished[list(columns)].astype(float).to_numpy(), finished["seed"].to_numpy()
    spread: dict[str, float] = {}
    geometric: dict[str, float] = {}
    for column, values in zip(columns, table.T, strict=True):
        known = ~np.isnan(values)
        numbers = values[known]
        interval = intervals.of_mean(_by_seed(numbers, seeds[known], np.mean))
        spread[f"{column}_mean"] = float(numbers.mean()) if len(numbers) else math.nan
        spread[f"{column}_sd"] = float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan
        spread[f"{column}_low"], spread[f"{column}_high"] = interval.low, interval.high
        spread[f"{column}_median"] = float(np.median(numbers)) if len(numbers) else math.nan
        if column in _GEOMETRIC:
            geometric[f"{column}_geomean"] = intervals.geometric_mean(numbers)
    return {**spread, **geometric}


def _by_seed(values: Values, seeds: Values, average: Callable[[Values], Any]) -> Values:
    """One value for each weight seed: runs that share weights are not independent."""
    order = np.argsort(seeds, kind="stable")
    if (np.diff(seeds[order]) > 0).all():
        return values[order]
    _, number, times = np.unique(seeds, return_inverse=True, return_counts=True)
    parts = np.split(values[np.argsort(number, kind="stable")], np.cumsum(times)[:-1])
    return np.array([average(part) for part in parts])
