"""Runs: the trials of an experiment as trackers see them, each with its parameters, its end and its series.

What was asked for is a parameter (every option, the recipe, the seeds), what became of it a tag or a final value, and
what was measured along the way a series over steps. A value that is missing is left out, an infinite one is kept.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from initbench.analysis import cells, outcomes, wording
from initbench.analysis.settings import KINDS, RECIPE
from initbench.records import Results

Value = bool | int | float | str
Series = tuple[np.ndarray, np.ndarray]
"""Steps and finite or infinite values."""

COMPONENTS = (cells.SCHEME, *KINDS)
SEEDS = ("seed", "data_seed")
CURVES = ("train_loss", "test_loss", "test_accuracy", "learning_rate")
LAYERS = ("activation_variance", "grad_variance")
_ENDS = (
    "id",
    "state",
    "status",
    "reason",
    "evidence",
    "first_bad_layer",
    "diverged_step",
    "torch",
    "device",
    "numerics",
)
_FINALS = (
    *(f"{which}_{metric}" for which in ("final", "best") for metric in CURVES[:3]),
    *("steps_to_target", "loss_area", "seconds", "init_seconds"),
)


@dataclass(frozen=True)
class Run:
    """One trial. ``name`` is a path that no other trial of the experiment has: scheme, settings, seed."""

    id: str
    name: tuple[str, ...]
    params: Mapping[str, Value]
    ends: Mapping[str, Value]
    finals: Mapping[str, float]
    series: Mapping[str, Series]
    started: float
    """Seconds since 1970, when the experiment began."""

    @property
    def finished(self) -> bool:
        """Whether it trained to its end."""
        return self.ends.get("status") == "finished"

    def time(self, step: int) -> float:
        """When a step was done, in seconds since 1970, had its trial been alone: its updates took equal times."""
        planned = float(self.params.get("steps") or 1)
        return self.started + self.finals.get("seconds", 0.0) * step / planned


def runs(results: Results) -> Iterator[Run]:
    """The trials that have an outcome, in the order of the experiment."""
    trials = outcomes.trials(results)
    names = _names(trials, results)
    logged = _by_trial(results.records.curves, ("step", *CURVES))
    probed = _by_trial(results.records.layers, ("step", "layer", "name", *LAYERS))
    started = _started(results.provenance)
    options = [str(column) for column in trials if str(column).partition(".")[0] in COMPONENTS]
    for row, name in zip(trials.to_dict("records"), names, strict=True):
        yield Run(
            id=str(row["id"]),
            name=name,
            params=_present(row, (*options, *RECIPE, *SEEDS)),
            ends=_present(row, _ENDS),
            finals={key: float(row[key]) for key in _FINALS if key in row and not math.isnan(float(row[key]))},
            series={**_curves(logged.get(str(row["id"]), {})), **_layers(probed.get(str(row["id"]), {}))},
            started=started,
        )


def _names(trials: pd.DataFrame, results: Results) -> list[tuple[str, ...]]:
    axes = cells.swept(results.manifest.axes)
    titles = cells.axis_titles(axes)
    crossed = "data_seed" in trials and bool((trials["data_seed"] != trials["seed"]).any())
    names = []
    for row in trials.to_dict("records"):
        settings = [f"{titles[axis]}={wording.setting(row[axis])}" for axis in axes]
        seed = f"seed={row['seed']}" + (f",data={row['data_seed']}" if crossed else "")
        names.append((str(row["init"]), *settings, seed))
    alike = Counter(names)
    return [name if alike[name] == 1 else (*name, str(trial)) for name, trial in zip(names, trials["id"], strict=True)]


def _present(row: Mapping[Any, Any], columns: tuple[str, ...]) -> dict[str, Value]:
    """The columns that hold something, in the order of the table and as plain values."""
    return {column: _plain(row[column]) for column in columns if column in row and not _is_missing(row[column])}


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _plain(value: Any) -> Value:
    """A whole number in a column that also has gaps was read as a float; lists become text."""
    if isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    return str(list(value)) if isinstance(value, (list, tuple, np.ndarray)) else str(value)


def _by_trial(table: pd.DataFrame, columns: tuple[str, ...]) -> dict[str, dict[str, np.ndarray]]:
    """The columns of each trial as arrays: thousands of trials have no time for thousands of tables."""
    whole = {column: table[column].to_numpy() for column in columns if column in table}
    rows = table.groupby("id", sort=False).indices
    return {str(trial): {column: values[own] for column, values in whole.items()} for trial, own in rows.items()}


def _curves(own: Mapping[str, np.ndarray]) -> dict[str, Series]:
    return {name: series for name in CURVES if (series := _series(own, name))}


def _layers(own: Mapping[str, np.ndarray]) -> dict[str, Series]:
    """``activation_variance/03-layer3`` and the like: numbered, so that their alphabet is their order."""
    found: dict[str, Series] = {}
    for layer in np.unique(own.get("layer", [])).tolist():
        here = {column: values[own["layer"] == layer] for column, values in own.items()}
        title = f"{layer:0{len(str(own['layer'].max()))}d}-{here['name'][0]}"
        found |= {f"{column}/{title}": series for column in LAYERS if (series := _series(here, column))}
    return dict(sorted(found.items()))


def _series(own: Mapping[str, np.ndarray], column: str) -> Series | None:
    if column not in own:
        return None
    values = own[column].astype(np.float64)
    known = ~np.isnan(values)
    return (own["step"][known].astype(np.int64), values[known]) if known.any() else None


def _started(provenance: Mapping[str, Any]) -> float:
    try:
        return datetime.fromisoformat(str(provenance["started_at"])).timestamp()
    except (KeyError, ValueError):
        return 0.0
