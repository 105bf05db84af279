"""What a stack's training leaves behind: the rows of the three tables, trial by trial."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from initbench.plan import NUMERICS, Trial
from initbench.records import FAILED, Records
from initbench.sites import Site
from initbench.train.initialise import Failure, Filled
from initbench.train.probe import Statistics

METRICS = {"train_loss": min, "test_loss": min, "test_accuracy": max}  # and which of two values is the better
NO_LAYERS = pd.DataFrame(columns=["id", "step", "layer"])
CURVE_COLUMNS = ["id", "step", "train_loss", "learning_rate", "test_loss", "test_accuracy"]


@dataclass
class Entry:
    """How one trial ended."""

    trial: Trial
    init_seconds: float
    failure: Failure | None = None
    diverged_step: int | None = None
    first_bad_layer: str | None = None
    curve: list[dict[str, Any]] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether the trial is still to be watched."""
        return self.failure is None and self.diverged_step is None


@dataclass(frozen=True)
class Probed:
    """What one probe found: ``statistics`` are arrays [layers, trials], a column of the table for each name."""

    step: int
    trials: Sequence[str]
    sites: Sequence[Site]
    statistics: Statistics

    def rows(self) -> pd.DataFrame:
        """A row for each trial and layer."""
        trials, sites = len(self.trials), self.sites
        place = {
            "layer": range(1, len(sites) + 1),
            "name": [site.layer for site in sites],
            "fan_in": [site.fan_in for site in sites],
            "fan_out": [site.fan_out for site in sites],
        }
        measured = {name: values.T.ravel() for name, values in self.statistics.items()}
        return pd.DataFrame(
            {
                "id": np.repeat(np.array(self.trials, dtype=object), len(sites)),
                "step": self.step,
                **{name: [*values] * trials for name, values in place.items()},
                **measured,
            }
        )


@dataclass(frozen=True)
class Facts:
    """What is the same for every trial of a stack."""

    steps: int
    parameters: int
    outputs: int
    task: str
    device: str


class Journal:
    """Collects rows while a stack trains. A trial that has failed or diverged gets no further rows."""

    def __init__(self, trials: Sequence[Trial], filled: Filled, facts: Facts) -> None:
        self.entries = [
            Entry(trial, seconds, filled.failures.get(replica))
            for replica, (trial, seconds) in enumerate(zip(trials, filled.seconds, strict=True))
        ]
        self._facts = facts
        self._probes: list[Probed] = []

    @property
    def alive(self) -> list[bool]:
        """Which replicas have neither failed nor diverged."""
        return [entry.alive for entry in self.entries]

    def curve(self, step: int, learning_rate: float, metrics: dict[str, Tensor]) -> None:
        """Note the metrics ([R] each) after ``step`` updates."""
        values = {name: value.tolist() for name, value in metrics.items()}
        for replica, entry in enumerate(self.entries):
            if entry.alive:
                own = {name: value[replica] for name, value in values.items()}
                entry.curve.append({"id": entry.trial.id, "step": step, "learning_rate": learning_rate, **own})

    def layers(self, step: int, sites: Sequence[Site], statistics: Statistics) -> None:
        """Note the per-layer statistics after ``step`` updates."""
        living = [replica for replica, entry in enumerate(self.entries) if entry.alive]
        if not living:
            return
        trials = [self.entries[replica].trial.id for replica in living]
        own = {name: values[:, living] for name, values in statistics.items()}
        self._probes.append(Probed(step, trials, sites, own))

    def diverged(self, replica: int, step: int, loss: float, first_bad_layer: str | None) -> None:
        """Note that a replica's loss left all bounds; its last row of the curve is that loss, as it was.

        A row that the same step has already, such as an evaluation, takes the loss in: steps are unique in a curve.
        """
        entry = self.entries[replica]
        if not entry.curve or entry.curve[-1]["step"] != step:
            entry.curve.append({"id": entry.trial.id, "step": step})
        entry.curve[-1]["train_loss"] = loss
        entry.diverged_step, entry.first_bad_layer = step, first_bad_layer

    def records(self, seconds: float) -> Records:
        """The tables of the stack; its training time is shared out evenly among its trials."""
        outcomes = [self._outcome(entry, seconds / len(self.entries)) for entry in self.entries]
        curves = [row for entry in self.entries for row in entry.curve]
        return Records(
            outcomes=pd.DataFrame(outcomes),
            curves=pd.DataFrame(curves, columns=CURVE_COLUMNS),
            layers=pd.concat([probed.rows() for probed in self._probes] or [NO_LAYERS], ignore_index=True),
        )

    def _outcome(self, entry: Entry, seconds: float) -> dict[str, Any]:
        metrics: dict[str, float] = {}
        for name, better in METRICS.items():
            values = [row[name] for row in entry.curve if not math.isnan(row.get(name, math.nan))]
            metrics[f"final_{name}"] = entry.curve[-1].get(name, math.nan) if entry.curve else math.nan
            metrics[f"best_{name}"] = better(values) if values else math.nan
        status, reason = _ending(entry)
        return {
            "id": entry.trial.id,
            **entry.trial.columns(),
            "steps": self._facts.steps,
            "status": status,
            "reason": reason,
            "traceback": entry.failure.traceback if entry.failure else None,
            "diverged_step": entry.diverged_step,
            "first_bad_layer": entry.first_bad_layer,
            **metrics,
            "seconds": seconds,
            "init_seconds": entry.init_seconds,
            "parameters": self._facts.parameters,
            "outputs": self._facts.outputs,
            "task": self._facts.task,
            "device": self._facts.device,
            "torch": str(torch.__version__),
            "numerics": NUMERICS,
        }


def _ending(entry: Entry) -> tuple[str, str | None]:
    """The trial's status, and the reason where it did not finish."""
    if entry.failure is not None:
        return FAILED, entry.failure.reason
    if entry.diverged_step is None:
        return "finished", None
    loss = entry.curve[-1]["train_loss"]
    where = f", first in {entry.first_bad_layer}" if entry.first_bad_layer else ""
    return "diverged", f"train loss {loss:.3g} at step {entry.diverged_step}{where}"
