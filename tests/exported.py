"""An experiment for the tests of trackers: made-up trials that finish, diverge, fail and miss, over two depths."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
from synthetic_results import Trial, records

from initbench.records import Manifest, Results, ResultsFolder

TINY = 3.1e-41  # representable in single precision, though not as a normal number


def trials() -> list[Trial]:
    """Two schemes at two depths on two seeds; one diverges, one failed, and signals vanish in one."""
    found = [
        Trial(init, seed, losses=(2.0, 1.0 + seed, 0.4), accuracies=(0.1, 0.5, 0.75), at={"network.depth": depth})
        for depth in (3, 10)
        for init in ("he", "normal[std=0.01]")
        for seed in (0, 1)
    ]
    at = {"network.depth": 10}
    found[-1] = Trial("normal[std=0.01]", 1, status="failed", reason="RuntimeError: out of luck", at=at)
    found[-2] = Trial(
        "normal[std=0.01]",
        0,
        losses=(2.0, math.inf),
        status="diverged",
        reason="train loss inf at step 20",
        at=at,
        activations=((1.0, TINY, 1.0),),
        gradients=((math.inf, 0.0, 1.0),),
        planned=30,
    )
    return found


def folder(path: Path) -> Path:
    """A results folder that holds them."""
    made = ResultsFolder(path)
    made.create()
    found = trials()
    made.write_manifest(
        Manifest("two depths", tuple(trial.id for trial in found), ("init", "network.depth"), "train_loss", 0.5)
    )
    made.write_experiment("name: two depths\n")
    made.write_provenance({"initbench": "0.1.0", "started_at": "2026-01-02T03:04:05+00:00"})
    made.append("stack", records(found))
    return path


def measured(results: Results, trial: str, column: str) -> dict[int, float]:
    """The values of a curve by step, as the records have them."""
    rows = results.records.curves
    return _by_step(rows[rows["id"] == trial], column)


def measured_in(results: Results, trial: str, layer: int, column: str) -> dict[int, float]:
    """The values of a layer by step, as the records have them."""
    rows = results.records.layers
    return _by_step(rows[(rows["id"] == trial) & (rows["layer"] == layer)], column)


def _by_step(rows: pd.DataFrame, column: str) -> dict[int, float]:
    known = rows.dropna(subset=[column])
    return dict(zip(known["step"].tolist(), known[column].tolist(), strict=True))
