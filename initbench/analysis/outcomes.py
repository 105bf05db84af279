"""What became of the trials: when each reached the target, how it ended, and what the seeds of a scheme add up to.

The state of a trial is the first that holds:

- ``failed``: an exception ended it; nothing was measured.
- ``diverged``: its loss left the finite numbers or the bound, whether or not it had reached the target before.
- ``converged``: it reached the target.
- ``stalled``: its final train loss lies within 1 % of chance (ln of the number of classes), or is not 1 % below the
  first loss that was logged. The second half is all there is for regression.
- ``slow``: none of these; the loss fell, but not to the target.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from initbench.analysis import cells
from initbench.records import FAILED, Results

STATES = ("converged", "slow", "stalled", "diverged", "failed")  # from best to worst
STALL = 0.01  # relative distance from chance, or from the start, that counts as not having moved

_NEEDED = [
    *("id", "init", "seed", "status", "reason", "diverged_step", "first_bad_layer", "steps", "outputs", "task"),
    *("final_train_loss", "final_test_loss", "final_test_accuracy"),
    *("best_train_loss", "best_test_loss", "best_test_accuracy", "seconds"),
]


def trials(results: Results) -> pd.DataFrame:
    """The outcomes, one row per trial, with three columns more.

    ``steps_to_target`` is the first logged step whose metric satisfies the target: infinite for a miss, NaN for a
    failed trial. A train loss is the mean over the window that ends at its step, as logged. ``loss_area`` is the sum of
    the train losses of all updates, NaN unless the trial finished. ``state`` is described at the head of this module.
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
    return table


def schemes(trials: pd.DataFrame, axes: Sequence[str]) -> pd.DataFrame:
    """One row per cell of the axes: counts, the median steps to the target, and summaries of the finished trials.

    The median counts a miss as infinite and leaves failed trials out. Means and standard deviations (n - 1) run over
    the ``finished`` trials alone: the loss of a diverged trial is never averaged, nor replaced. ``state`` is that of
    most trials, the worse one in a tie; ``states`` spells a mixture out.
    """
    rows = [{**cell, **_summary(rows)} for cell, rows in cells.by_cell(trials, axes)]
    return pd.DataFrame(rows, columns=None if rows else [*axes, *_summary(trials)])


def _first_step(curves: pd.DataFrame, metric: str, value: float) -> pd.Series:
    satisfied = curves[metric] >= value if metric.endswith("accuracy") else curves[metric] <= value
    return curves[satisfied].groupby("id")["step"].min()


def _start(curves: pd.DataFrame) -> pd.Series:
    """The first logged train loss of each trial; none where it is also the last, for then nothing can have moved."""
    logged = curves.dropna(subset=["train_loss"]).groupby("id")["train_loss"]
    return logged.first()[logged.size() > 1]


def _loss_area(curves: pd.DataFrame) -> pd.Series:
    window = curves.groupby("id")["step"].diff().fillna(curves["step"])
    area = (curves["train_loss"] * window)[curves["step"] > 0]
    return area.groupby(curves["id"]).agg(lambda losses: losses.sum(skipna=False))


def _states(table: pd.DataFrame, start: pd.Series) -> np.ndarray:
    loss = table["final_train_loss"].astype(float)
    chance = table["outputs"].astype(float).map(math.log).where(table["task"] == "classification")
    stalled = ((loss - chance).abs() <= STALL * chance) | (loss >= start - STALL * start.abs())
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
    tally = cell["state"].value_counts()
    present = [state for state in STATES if state in tally]
    spread = {}
    for column in ("final_train_loss", "final_test_loss", "final_test_accuracy"):
        values = finished[column].astype(float)
        spread[f"{column}_mean"] = values.mean()
        spread[f"{column}_sd"] = values.std()
        spread[f"{column}_median"] = values.median()
    return {
        "trials": len(cell),
        "seeds": cell["seed"].nunique(),
        "finished": len(finished),
        "diverged": int(tally.get("diverged", 0)),
        "failed": int(tally.get("failed", 0)),
        "reached": int((cell["steps_to_target"] < math.inf).sum()),
        "steps": cell["steps"].max(),
        "steps_to_target_median": measured["steps_to_target"].median() if len(measured) else np.nan,
        "steps_to_target_min": measured["steps_to_target"].min(),
        "steps_to_target_max": measured["steps_to_target"].max(),
        **spread,
        "best_train_loss": cell["best_train_loss"].astype(float).min(),
        "best_test_loss": cell["best_test_loss"].astype(float).min(),
        "best_test_accuracy": cell["best_test_accuracy"].astype(float).max(),
        "loss_area_mean": finished["loss_area"].mean(),
        "seconds_mean": finished["seconds"].astype(float).mean(),
        "state": max(present, key=lambda state: (tally[state], STATES.index(state)), default=""),
        "states": present[0] if len(present) == 1 else ", ".join(f"{s} {tally[s]}/{len(cell)}" for s in present),
    }
