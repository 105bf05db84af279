"""Per-layer statistics for the page: every probed step of every scheme and setting, averaged over the seeds.

Variances are averaged geometrically, as in ``analysis.layers``; shares of units arithmetically. Predictions exist
before training only. A value that is finite in no seed becomes null. Large experiments are thinned, first in the steps
between the first and the last, then in the layers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from initbench.analysis import Comparison
from initbench.report.page.numbers import numbers, picked
from initbench.report.page.places import SCHEME, SETTING, Places, by_place

GEOMETRIC = (
    "activation_variance",
    "grad_variance",
    "preact_variance",
    "activation_second_moment",
    "weight_grad_variance",
)
ARITHMETIC = ("dead_fraction", "saturated_fraction")
PREDICTED = ("activation_variance", "grad_variance", "preact_variance")
_ENDS = ("", "_low", "_high")
_VALUES = 250_000  # on the page


def profiles(comparison: Comparison, places: Places) -> list[dict[str, Any]]:
    """For each scheme and setting the probed steps, the layers with their names, and step × layer tables."""
    table = comparison.results.records.layers
    predictions = [f"predicted_{name}{end}" for name in PREDICTED for end in _ENDS]
    wanted = ["id", "step", "layer", "name", *GEOMETRIC, *ARITHMETIC, *predictions]
    rows = places.join(table.reindex(columns=wanted))
    if rows.empty:
        return []
    rows["name"] = rows["name"].astype(object).where(rows["name"].notna(), "").astype(str)
    shown = [name for name in (*GEOMETRIC, *ARITHMETIC) if rows[name].notna().any()]
    averaged = _averages(rows, predictions)
    groups = by_place(averaged)
    deepest = int(rows["layer"].nunique())
    room = _VALUES / (len(groups) * max(1, len(shown)))
    steps = max(2, int(room // deepest))
    layers = max(2, int(room // min(steps, int(rows["step"].nunique()))))
    return [_profile(place, own, shown, (steps, layers)) for place, own in groups.items()]


def _averages(rows: pd.DataFrame, predictions: list[str]) -> pd.DataFrame:
    """One row per setting, scheme, step and layer."""
    key = [SETTING, SCHEME, "step", "layer"]
    values = rows[[*GEOMETRIC, *predictions, *ARITHMETIC]].astype(float)
    values = values.where(np.isfinite(values))
    positive = [*GEOMETRIC, *predictions]
    with np.errstate(divide="ignore", invalid="ignore"):  # the logarithm of zero is what makes a mean zero
        values[positive] = np.log(values[positive])
    keyed = pd.concat([rows[[*key, "name"]], values], axis=1)
    grouped = keyed.groupby(key, sort=True)
    means = grouped[[*positive, *ARITHMETIC]].mean()
    means[positive] = np.exp(means[positive])
    return means.assign(name=grouped["name"].first()).reset_index()


def _profile(place: tuple[int, int], own: pd.DataFrame, shown: list[str], most: tuple[int, int]) -> dict[str, Any]:
    steps, row = np.unique(own["step"], return_inverse=True)
    layers, column = np.unique(own["layer"], return_inverse=True)
    kept = np.ix_(picked(len(steps), most[0]), picked(len(layers), most[1]))

    def table(name: str) -> NDArray[np.float64]:
        """A column as step × layer."""
        found = np.full((len(steps), len(layers)), np.nan)
        found[row, column] = own[name]
        return found[kept]

    predicted = {name: [table(f"predicted_{name}{end}")[0] for end in _ENDS] for name in PREDICTED}
    names = dict(zip(own["layer"], own["name"], strict=True))
    return {
        "setting": place[0],
        "scheme": place[1],
        "steps": numbers(steps[kept[0].ravel()]),
        "layers": numbers(layers[kept[1].ravel()]),
        "names": [names[layer] for layer in layers[kept[1].ravel()]],
        "measured": {name: [numbers(values) for values in table(name)] for name in shown},
        "predicted": {
            name: [numbers(values) for values in lines]
            for name, lines in predicted.items()
            if not np.isnan(lines[0]).all()
        },
    }
