"""Signals through the depth: per-layer statistics of a scheme, averaged over its seeds.

Variances of deep networks are products of random factors, close to log-normal over seeds: their arithmetic mean is
dominated by the luckiest draw. Profiles therefore hold geometric means (a single zero makes them zero) and, for
activation and gradient variance, the arithmetic mean beside them. Columns say which. Beside each variance that theory
predicts stands ``measured_over_predicted_…``, the ratio of the geometric means.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from initbench.analysis import cells
from initbench.records import Results

FIRST, LAST = "first", "last"

PREDICTED = ("preact_variance", "activation_variance", "grad_variance")
_GEOMETRIC = (
    *("preact_variance", "activation_variance", "activation_second_moment", "grad_variance"),
    "weight_grad_variance",
    *(f"predicted_{name}{end}" for name in PREDICTED for end in ("", "_low", "_high")),
)
_ARITHMETIC = (
    *("weight_mean", "weight_std", "unit_diversity", "preact_mean", "activation_mean", "dead_fraction"),
    *("saturated_fraction", "weight_grad_norm", "activation_variance", "grad_variance"),
)
_PLACE = ("name", "fan_in", "fan_out")
_CELL = "_cell"
_KEY = (_CELL, "step", "layer")


def profiles(results: Results) -> pd.DataFrame:
    """One row per cell, probe (``first``, ``last``) and layer, over the trials that were probed at that step.

    ``trials`` counts them; ``nonfinite`` counts those whose activation or gradient variance overflowed there: they are
    left out of the means, which are NaN where nothing finite remains.
    """
    axes = results.manifest.axes
    outcomes, table = results.records.outcomes.reindex(columns=["id", *axes]), results.records.layers
    probed = outcomes[outcomes["id"].isin(table["id"].unique())]
    places = [(cell, rows["id"]) for cell, rows in cells.by_cell(probed, axes)] if len(probed) else []
    number = {trial: index for index, (_, ids) in enumerate(places) for trial in ids}
    cell, step = table["id"].map(number).fillna(-1).astype(int), table["step"]
    ends = step.groupby(cell).agg(["min", "max"])
    at_end = (cell >= 0) & ((step == cell.map(ends["min"])) | (step == cell.map(ends["max"])))
    wanted = ["id", "step", "layer", *_PLACE, *_GEOMETRIC, *_ARITHMETIC]
    found = _profile(table[at_end].reindex(columns=list(dict.fromkeys(wanted))).assign(**{_CELL: cell[at_end]}))
    own = pd.DataFrame([cell for cell, _ in places], columns=list(axes)).reindex(found[_CELL]).reset_index(drop=True)
    is_first = found["step"] == found.groupby(_CELL)["step"].transform("min")
    found = found.assign(**own, probe=np.where(is_first, FIRST, LAST))
    head = [*axes, "probe", "step", "layer"]
    return found.reindex(columns=list(dict.fromkeys([*head, *found.columns.drop(_CELL)])))


def hidden(profile: pd.DataFrame) -> pd.DataFrame:
    """The rows of one network without its output layer, whose width and scale follow other rules."""
    inner = profile[profile["layer"] < profile["layer"].max()]
    return profile if inner.empty else inner


def spots(profile: pd.DataFrame) -> tuple[int, int, int]:
    """The first, middle and last hidden layer of one network; alike where it has fewer than three."""
    layers = np.unique(profile["layer"].to_numpy())
    inner = layers[:-1] if len(layers) > 1 else layers
    return int(inner[0]), int(inner[(len(inner) - 1) // 2]), int(inner[-1])


def growth(profile: pd.DataFrame, column: str, *, backward: bool = False) -> float:
    """The factor by which a variance changes from one hidden layer to the next, in the direction that it travels.

    It is the geometric mean over the depth: below 1 the signal vanishes, above 1 it explodes. NaN where an end is
    zero or not finite, or there are not two hidden layers.
    """
    order = np.argsort(profile["layer"].to_numpy())
    values = profile[column].to_numpy(dtype=float)[order]
    values = values[:-1] if len(values) > 1 else values  # without the output layer
    start, end = (values[-1], values[0]) if backward else (values[0], values[-1])
    if len(values) < 2 or not (np.isfinite(start) and np.isfinite(end) and start > 0 and end > 0):
        return float("nan")
    return float(np.exp((np.log(end) - np.log(start)) / (len(values) - 1)))


def ratio(measured: pd.Series, predicted: pd.Series) -> pd.Series:
    """Measured over predicted; 1 where both are zero, NaN where there is no prediction."""
    both_zero = (measured == 0) & (predicted == 0)
    return (measured / predicted.where(predicted != 0)).mask(both_zero, 1.0)


def _profile(probed: pd.DataFrame) -> pd.DataFrame:
    """Average the trials of each cell and step, layer by layer."""
    keys = [probed[name] for name in _KEY]
    numbers = probed[list(dict.fromkeys([*_GEOMETRIC, *_ARITHMETIC]))].astype(float)
    finite = numbers.where(np.isfinite(numbers))
    with np.errstate(divide="ignore", invalid="ignore"):  # the logarithm of zero is what makes a mean zero
        logarithms = finite[list(_GEOMETRIC)].apply(np.log)
    geometric = logarithms.groupby(keys).mean().apply(np.exp)
    ratios = pd.DataFrame({name: ratio(geometric[name], geometric[f"predicted_{name}"]) for name in PREDICTED})
    arithmetic = finite[list(_ARITHMETIC)].groupby(keys).mean()
    both = finite[["activation_variance", "grad_variance"]]
    return pd.concat(
        [
            probed[list(_PLACE)].groupby(keys).first(),
            probed.groupby(keys).size().rename("trials"),
            both.isna().any(axis=1).groupby(keys).sum().rename("nonfinite"),
            geometric.add_suffix("_geomean"),
            ratios.add_prefix("measured_over_predicted_"),
            arithmetic.add_suffix("_mean"),
        ],
        axis=1,
    ).reset_index()
