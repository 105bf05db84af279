"""Reach: the greatest depth that each scheme still trains.

A scheme trains a depth if at least half of its seeds reach the target there; failed trials do not count. Depths are
taken from the smallest on: a depth beyond one that it does not train does not count, however well it may do, and is
noted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from initbench.analysis import cells, wording
from initbench.records import Manifest

AXIS = "network.depth"


@dataclass(frozen=True)
class Reach:
    """What a sweep over the depth shows."""

    depths: pd.DataFrame
    """One row per scheme and further setting: ``greatest`` depth trained (NaN if none), ``fails_at`` the next one
    tried, which it does not train (NaN if it trains all), and ``later``, the number of greater depths trained. Both are
    NaN where every trial failed."""
    claims: tuple[str, ...]
    """A sentence for each further setting."""


def reach(trials: pd.DataFrame, manifest: Manifest) -> Reach | None:
    """The greatest depths; None where the depth is not swept."""
    if AXIS not in manifest.axes:
        return None
    trials = trials[trials[AXIS].notna()]  # a network given by its hidden layers has no depth to sweep
    if not len(trials):
        return None
    axes = tuple(axis for axis in manifest.axes if axis != AXIS)
    order = cells.schemes(trials, manifest.axes)
    table = pd.DataFrame([{**cell, **greatest(rows)} for cell, rows in cells.by_cell(trials, axes, order)])
    target = wording.target(manifest.target_metric, manifest.target_value)
    return Reach(table, tuple(_sentences(table, axes, target)))


def greatest(trials: pd.DataFrame) -> dict[str, Any]:
    """The greatest depth that the trials of one scheme train, and the next one tried; of depths that were measured."""
    steps = trials["steps_to_target"].astype(float).dropna()  # a failed trial is no miss
    reached = (steps < math.inf).groupby(trials[AXIS].astype(int)).mean() >= 0.5
    depths = list(reached.index)
    trained = next((index for index, fine in enumerate(reached) if not fine), len(depths))
    return {
        "greatest": depths[trained - 1] if trained else math.nan,
        "fails_at": depths[trained] if trained < len(depths) else math.nan,
        "later": int(reached.iloc[trained:].sum()),
    }


def _sentences(table: pd.DataFrame, axes: tuple[str, ...], target: str) -> Iterator[str]:
    for name, rows in cells.by_setting(table, axes):
        found = [_words({str(key): value for key, value in row.items()}) for row in rows.to_dict("records")]
        yield f"Greatest depth trained to {target}{f' at {name}' if name else ''}: {'; '.join(found)}."


def _words(row: dict[str, Any]) -> str:
    name = row["init"]
    if math.isnan(row["greatest"]) and math.isnan(row["fails_at"]):
        return f"{name} not measured"
    if math.isnan(row["greatest"]):
        return f"{name} none (not even {row['fails_at']:.0f})"
    depth = f"{row['greatest']:.0f}"
    if math.isnan(row["fails_at"]):
        return f"{name} {depth} or more, the deepest tried"
    later = f", though it trains {wording.count(row['later'], 'greater depth')}" if row["later"] else ""
    return f"{name} {depth} (not {row['fails_at']:.0f}{later})"
