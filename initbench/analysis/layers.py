"""Signals through the depth: per-layer statistics of a scheme, averaged over its seeds.

Variances of deep networks are products of random factors, close to log-normal over seeds: their arithmetic mean is
dominated by the luckiest draw. Profiles therefore hold geometric means (a single zero makes them zero) and, for
activation and gradient variance, the arithmetic mean beside them. Columns say which.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from initbench.analysis import cells
from initbench.records import Results

FIRST, LAST = "first", "last"

_GEOMETRIC = (
    *("preact_variance", "activation_variance", "activation_second_moment", "grad_variance"),
    *("weight_grad_variance", "predicted_preact_variance", "predicted_grad_variance"),
)
_ARITHMETIC = (
    *("weight_mean", "weight_std", "preact_mean", "activation_mean", "dead_fraction", "saturated_fraction"),
    *("weight_grad_norm", "activation_variance", "grad_variance"),
)
_PLACE = ("name", "fan_in", "fan_out")


def profiles(results: Results) -> pd.DataFrame:
    """One row per cell, probe (``first``, ``last``) and layer, over the trials that were probed at that step.

    ``trials`` counts them; ``nonfinite`` counts those whose activation or gradient variance overflowed there: they are
    left out of the means, which are NaN where nothing finite remains.
    """
    axes = results.manifest.axes
    identity = results.records.outcomes.reindex(columns=["id", *axes])
    table = identity.merge(results.records.layers.drop(columns="status", errors="ignore"), on="id")
    table = table.reindex(
        columns=list(dict.fromkeys(["id", *axes, "step", "layer", *_PLACE, *_GEOMETRIC, *_ARITHMETIC]))
    )
    rows = [
        {**cell, "probe": probe, "step": step, "layer": layer, **_summary(replicas)}
        for cell, probed in cells.by_cell(table, axes)
        for probe, step in _ends(probed["step"])
        for layer, replicas in probed[probed["step"] == step].groupby("layer")
    ]
    return pd.DataFrame(rows, columns=None if rows else [*axes, "probe", "step", "layer", *_summary(table)])


def hidden(profile: pd.DataFrame) -> pd.DataFrame:
    """The rows of one network without its output layer, whose width and scale follow other rules."""
    inner = profile[profile["layer"] < profile["layer"].max()]
    return profile if inner.empty else inner


def spots(profile: pd.DataFrame) -> list[int]:
    """The first, middle and last hidden layer of one network, without repetition."""
    layers = sorted(hidden(profile)["layer"].unique())
    return [int(layer) for layer in dict.fromkeys([layers[0], layers[(len(layers) - 1) // 2], layers[-1]])]


def growth(profile: pd.DataFrame, column: str, *, backward: bool = False) -> float:
    """The factor by which a variance changes from one hidden layer to the next, in the direction that it travels.

    It is the geometric mean over the depth: below 1 the signal vanishes, above 1 it explodes. NaN where an end is
    zero or not finite, or there are not two hidden layers.
    """
    values = hidden(profile).sort_values("layer")[column].astype(float).to_numpy()
    start, end = (values[-1], values[0]) if backward else (values[0], values[-1])
    if len(values) < 2 or not (np.isfinite(start) and np.isfinite(end) and start > 0 and end > 0):
        return float("nan")
    return float(np.exp((np.log(end) - np.log(start)) / (len(values) - 1)))


def _ends(steps: pd.Series) -> list[tuple[str, int]]:
    first, last = int(steps.min()), int(steps.max())
    return [(FIRST, first), (LAST, last)] if last > first else [(FIRST, first)]


def _summary(replicas: pd.DataFrame) -> dict[str, object]:
    finite = np.isfinite(replicas[["activation_variance", "grad_variance"]].to_numpy(dtype=float))
    return {
        **{column: replicas[column].iloc[0] if len(replicas) else None for column in _PLACE},
        "trials": len(replicas),
        "nonfinite": int((~finite.all(axis=1)).sum()),
        **{f"{column}_geomean": _geometric_mean(replicas[column]) for column in _GEOMETRIC},
        **{f"{column}_mean": _finite(replicas[column]).mean() for column in _ARITHMETIC},
    }


def _geometric_mean(values: pd.Series) -> float:
    finite = _finite(values)
    if finite.empty:
        return float("nan")
    return float(np.exp(np.log(finite).mean())) if (finite > 0).all() else 0.0


def _finite(values: pd.Series) -> pd.Series:
    numbers = values.astype(float)
    return numbers[np.isfinite(numbers)]
