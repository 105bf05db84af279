"""What of a run is compared: per-seed metrics, the variances of every layer before training, and a digest of all bits.

Numbers are rounded to what a reader can use, nine digits for metrics and six for variances; the digest, a hash of
every number that the trial recorded, tells whether anything at all changed beyond that.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, model_validator

from initbench.analysis import cells, outcomes
from initbench.gate.metrics import METRICS, STEPS
from initbench.records import FAILED, Results

SIGNALS = ("preact_variance", "grad_variance")
METRIC_DIGITS, SIGNAL_DIGITS = 9, 6
DIGEST_LENGTH = 16

_DIGESTED = {
    "curves": ("step", "train_loss", "learning_rate", "test_loss", "test_accuracy"),
    "layers": ("step", "layer", *SIGNALS, "activation_variance", "weight_std", "weight_grad_variance"),
}

Status = Literal["finished", "diverged", "failed"]
Number = Annotated[float, Field(allow_inf_nan=False)]
Values = tuple[Number | None, ...]


class Frozen(BaseModel):
    """A value of a baseline file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Cell(Frozen):
    """One scheme in one setting: a tuple entry for each trial, all in the same order.

    A metric is None where there is none: ``steps_to_target`` of a trial that missed it, the final loss of one that
    diverged.
    """

    scheme: str
    setting: str
    budget: int
    seeds: tuple[int, ...] = Field(min_length=1)
    data_seeds: tuple[int, ...]
    status: tuple[Status, ...]
    digests: tuple[str, ...]
    metrics: dict[str, Values]
    layers: dict[str, dict[str, Values]]

    @model_validator(mode="after")
    def _one_entry_for_each_trial(self) -> Cell:
        columns = {
            **{name: getattr(self, name) for name in ("data_seeds", "status", "digests")},
            **self.metrics,
            **{f"{layer}.{name}": values for layer, kinds in self.layers.items() for name, values in kinds.items()},
        }
        for name, values in columns.items():
            if len(values) != len(self.seeds):
                raise ValueError(f"{name} has {len(values)} values for {len(self.seeds)} seeds")
        if len(set(self.keys)) < len(self.keys):
            raise ValueError("a seed occurs twice")
        missing = [metric for metric in METRICS if metric not in self.metrics]
        if missing:
            raise ValueError(f"there is no {missing[0]}")
        return self

    @property
    def label(self) -> str:
        """The scheme with its setting: ``he``, ``he, depth=10``."""
        return ", ".join(filter(None, [self.scheme, self.setting]))

    @property
    def place(self) -> tuple[str, str]:
        """What the cell is known by."""
        return self.scheme, self.setting

    @property
    def keys(self) -> tuple[tuple[int, int], ...]:
        """(seed, data seed) of each trial."""
        return tuple(zip(self.seeds, self.data_seeds, strict=True))

    @property
    def reached(self) -> int:
        """How many trials reached the target."""
        return sum(value is not None for value in self.metrics[STEPS])

    @property
    def failed(self) -> int:
        """How many trials gave no result."""
        return self.status.count(FAILED)


def measured(results: Results) -> tuple[Cell, ...]:
    """The cells of a run, setting by setting."""
    axes = results.manifest.axes
    trials = outcomes.trials(results)
    digests = _digests(results, trials["id"].tolist())
    start = results.records.layers
    start = start[start["step"] == 0] if len(start) else start
    return tuple(
        _cell(rows, setting, digests, start)
        for setting, table in cells.by_setting(trials, axes)
        for _, rows in table.groupby(cells.SCHEME, sort=False)
    )


def places(table: pd.DataFrame, axes: Sequence[str]) -> dict[tuple[str, str], set[tuple[int, int]]]:
    """The cells that a table of trials has, each with its (seed, data seed)s."""
    return {
        (str(scheme), setting): set(zip(rows["seed"].astype(int), rows["data_seed"].astype(int), strict=True))
        for setting, part in cells.by_setting(table, axes)
        for scheme, rows in part.groupby(cells.SCHEME, sort=False)
    }


def step_grid(results: Results) -> float:
    """Updates between two rows that could reach the target: no difference below it can be seen."""
    metric = results.manifest.target_metric
    curves = results.records.curves
    rows = curves[curves[metric].notna()] if metric in curves else curves
    gaps = rows.groupby("id")["step"].diff().dropna() if len(rows) else pd.Series(dtype=float)
    return float(gaps.median()) if len(gaps) else 0.0


def _cell(rows: pd.DataFrame, setting: str, digests: Mapping[str, str], start: pd.DataFrame) -> Cell:
    ids = rows["id"].tolist()
    return Cell(
        scheme=str(rows[cells.SCHEME].iloc[0]),
        setting=setting,
        budget=0 if rows["steps"].isna().all() else int(rows["steps"].max()),
        seeds=tuple(int(seed) for seed in rows["seed"]),
        data_seeds=tuple(int(seed) for seed in rows["data_seed"]),
        status=tuple(rows["status"]),
        digests=tuple(digests[trial] for trial in ids),
        metrics={metric: _rounded(rows[metric], METRIC_DIGITS) for metric in METRICS},
        layers=_layers(start, ids),
    )


def _layers(start: pd.DataFrame, ids: list[str]) -> dict[str, dict[str, Values]]:
    """By name and kind the variances at step 0, in the order of ``ids``."""
    found: dict[str, dict[str, Values]] = {}
    own = start[start["id"].isin(ids)] if len(start) else start
    if own.empty:
        return found
    for (_, name), rows in own.sort_values("layer", kind="stable").groupby(["layer", "name"], sort=False):
        by_trial = rows.set_index("id").reindex(ids)
        found[str(name)] = {signal: _rounded(by_trial[signal], SIGNAL_DIGITS) for signal in SIGNALS}
    return found


def _rounded(values: pd.Series, digits: int) -> Values:
    numbers = [float(value) if pd.notna(value) else math.nan for value in values]
    return tuple(float(f"{number:.{digits}g}") if math.isfinite(number) else None for number in numbers)


def _digests(results: Results, ids: list[str]) -> dict[str, str]:
    tables = {
        name: dict(iter(table.groupby("id"))) if len(table) else {}
        for name in _DIGESTED
        for table in [getattr(results.records, name)]
    }
    return {trial: _digest([tables[name].get(trial) for name in _DIGESTED]) for trial in ids}


def _digest(tables: Sequence[pd.DataFrame | None]) -> str:
    digest = hashlib.sha256()
    for table, columns in zip(tables, _DIGESTED.values(), strict=True):
        if table is not None:
            numbers = table.reindex(columns=list(columns)).to_numpy(dtype="<f8", na_value=np.nan)
            digest.update(np.where(np.isnan(numbers), np.nan, numbers).tobytes())  # one NaN, whatever its bits
    return digest.hexdigest()[:DIGEST_LENGTH]
