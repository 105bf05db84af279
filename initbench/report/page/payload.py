"""What the scripts of the page draw, as one JSON value: schemes and settings by number, curves, layers, trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from initbench.analysis import Comparison, cells, wording
from initbench.report import sweeps
from initbench.report.page import curves, layers
from initbench.report.page.numbers import number, numbers
from initbench.report.page.places import SCHEME, SETTING, Places, by_place, places
from initbench.report.palette import COLORS, Look, looks

_DASHES = {"solid": (), "dashed": (7.0, 4.0), "dashdot": (8.0, 3.0, 2.0, 3.0)}
_DASH_UNIT = 2.0  # pixels; a line is about two wide
_FINALS = ("final_train_loss", "final_test_loss", "final_test_accuracy")


def payload(comparison: Comparison) -> dict[str, Any]:
    """Everything drawn, in values that JSON knows."""
    where = places(comparison)
    manifest = comparison.results.manifest
    drawn = looks(where.schemes)
    return {
        "name": manifest.name,
        "target": {"metric": manifest.target_metric, "value": number(manifest.target_value), "text": comparison.target},
        "schemes": [{"name": name, **_look(drawn[name])} for name in where.schemes],
        "settings": list(where.settings),
        "reference": where.schemes.index(comparison.reference) if comparison.reference in where.schemes else 0,
        "budget": number(float(comparison.trials["steps"].astype(float).max())) if len(comparison.trials) else None,
        "curves": curves.series(comparison, where),
        "layers": layers.profiles(comparison, where),
        "reached": _reached(comparison, where),
        "sweep": _sweep(comparison, where),
        "trials": _trials(comparison, where),
    }


def _look(look: Look) -> dict[str, Any]:
    dash = _DASHES[look.line] if isinstance(look.line, str) else [_DASH_UNIT * part for part in look.line[1]]
    return {"color": look.rank % len(COLORS), "dash": " ".join(f"{part:g}" for part in dash), "marker": look.marker}


def _reached(comparison: Comparison, where: Places) -> list[dict[str, Any]]:
    """Steps to the target of each scheme's trials, and how many missed it, diverged or failed."""
    rows = where.join(comparison.trials)
    found = []
    for (setting, scheme), own in by_place(rows).items():
        steps = own["steps_to_target"].astype(float)
        found.append(
            {
                "setting": setting,
                "scheme": scheme,
                "steps": numbers(np.sort(steps[np.isfinite(steps)])),
                "median": number(float(steps.median())),
                "trials": len(own),
                "missed": int(((steps == math.inf) & (own["status"] == "finished")).sum()),
                "diverged": int(((steps == math.inf) & (own["status"] == "diverged")).sum()),
                "failed": int(steps.isna().sum()),
            }
        )
    return found


def _sweep(comparison: Comparison, where: Places) -> dict[str, Any] | None:
    """The swept axes with their values, and for each cell its place on them and what came out."""
    axes = cells.swept(comparison.axes)
    if not axes or comparison.schemes.empty:
        return None
    titles = cells.axis_titles(axes)
    values = {axis: sweeps.values_of(comparison.schemes[axis]) for axis in axes}
    rank = {name: index for index, name in enumerate(where.schemes)}
    rows = []
    for setting, (_, table) in enumerate(cells.by_setting(comparison.schemes, comparison.axes)):
        for row in table.to_dict("records"):
            steps = float(row["steps_to_target_median"])
            rows.append(
                {
                    "setting": setting,
                    "scheme": rank[str(row[cells.SCHEME])],
                    "at": [values[axis].index(wording.setting(row[axis])) for axis in axes],
                    "steps_to_target": number(steps),
                    "missed": math.isinf(steps),
                    **{name: number(float(row[f"{name}_mean"])) for name in _FINALS},
                    "reached": int(row["reached"]),
                    "trials": int(row["trials"]),
                    "state": str(row["state"]),
                }
            )
    return {
        "axes": [
            {"title": titles[axis], "values": values[axis], "numbers": _as_numbers(values[axis])} for axis in axes
        ],
        "cells": rows,
    }


def _as_numbers(values: Sequence[str]) -> list[float] | None:
    try:
        return [float(value) for value in values]
    except ValueError:
        return None


def _trials(comparison: Comparison, where: Places) -> list[list[Any]]:
    """A row per trial: scheme, setting, seed, steps to target (-1 for a miss), finals, seconds, state, evidence."""
    rows = where.join(comparison.trials)
    return [
        [
            int(row[SCHEME]),
            int(row[SETTING]),
            wording.setting(row["seed"]),
            -1 if row["steps_to_target"] == math.inf else number(float(row["steps_to_target"])),
            *(number(float(row[name])) for name in _FINALS),
            number(float(row["seconds"])),
            str(row["state"]),
            row["evidence"] if isinstance(row["evidence"], str) else "",
        ]
        for row in rows.to_dict("records")
    ]
