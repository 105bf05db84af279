"""Results of made-up trials, for the tests of whatever reads tables: every number in them is chosen by the test."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from initbench.records import Manifest, Records, Results, ResultsFolder

EVERY = 10  # updates between two logged losses


@dataclass(frozen=True)
class Trial:
    """One trial by its train losses at steps 10, 20, ... and its per-layer variances at step 0 and at the end."""

    init: str
    seed: int
    losses: Sequence[float] = ()
    accuracies: Sequence[float] = ()
    diversity: float = 1.0  # of the units of every layer, at every probe
    dead: Sequence[float] = (0.25, 0.25)  # fraction in every layer, at the first probe and at the last
    activations: Sequence[Sequence[float]] = ((1.0, 1.0, 1.0),)  # one row of layers a probe, the output layer last
    gradients: Sequence[Sequence[float]] = ((1.0, 1.0, 1.0),)
    status: str = "finished"
    reason: str | None = None
    planned: int | None = None  # updates, where not all took place
    at: Mapping[str, Any] = field(default_factory=dict)  # its values on further axes

    @property
    def id(self) -> str:
        return "-".join(str(part) for part in (self.init, self.seed, *self.at.values()))


def records(trials: Sequence[Trial], *, task: str = "classification") -> Records:
    """The three tables of some trials."""
    return Records(
        outcomes=pd.DataFrame(
            [_outcome(trial, task) for trial in trials], columns=None if trials else ["id", "status"]
        ),
        curves=pd.DataFrame(
            [row for trial in trials for row in _curve(trial)],
            columns=["id", "step", "train_loss", "learning_rate", "test_loss", "test_accuracy"],
        ),
        layers=pd.DataFrame([row for trial in trials for row in _layers(trial)], columns=list(_layer_row())),
    )


def results(
    *trials: Trial,
    axes: Sequence[str] = ("init",),
    target: tuple[str, float] = ("train_loss", 0.5),
    task: str = "classification",
    path: Path = Path("results/demo"),
) -> Results:
    """Results of some trials, as if read from a folder."""
    return Results(
        path=path,
        manifest=manifest(*trials, axes=axes, target=target),
        records=records(trials, task=task),
        experiment="name: demo\n",
        provenance={"initbench": "0.1.0", "python": "3.12.1", "command": "initbench run demo.yaml"},
    )


def manifest(
    *trials: Trial, axes: Sequence[str] = ("init",), target: tuple[str, float] = ("train_loss", 0.5)
) -> Manifest:
    return Manifest("demo", tuple(trial.id for trial in trials), tuple(axes), *target)


def folder(path: Path, *stacks: Sequence[Trial]) -> ResultsFolder:
    """A results folder that holds these stacks, and an experiment that consists of their trials."""
    made = ResultsFolder(path)
    made.create()
    trials = {trial.id: trial for stack in stacks for trial in stack}
    made.write_manifest(manifest(*trials.values()))
    made.write_experiment("name: demo\n")
    made.write_provenance({"initbench": "0.1.0"})
    for index, stack in enumerate(stacks):
        made.append(f"stack{index}", records(stack))
    return made


def _outcome(trial: Trial, task: str) -> dict[str, Any]:
    failed, diverged = trial.status == "failed", trial.status == "diverged"
    finite = [loss for loss in trial.losses if math.isfinite(loss)]
    accuracies = trial.accuracies or [math.nan]
    return {
        "id": trial.id,
        "init": trial.init,
        "seed": trial.seed,
        "data_seed": trial.seed,
        **trial.at,
        "steps": trial.planned or EVERY * len(trial.losses),
        "status": trial.status,
        "reason": trial.reason,
        "diverged_step": EVERY * len(trial.losses) if diverged else None,
        "first_bad_layer": "layer2" if diverged else None,
        "seconds": math.nan if failed else 2.0,
        "final_train_loss": trial.losses[-1] if trial.losses else math.nan,
        "final_test_loss": trial.losses[-1] if trial.losses else math.nan,
        "final_test_accuracy": accuracies[-1],
        "best_train_loss": min(finite, default=math.nan),
        "best_test_loss": min(finite, default=math.nan),
        "best_test_accuracy": max(accuracies),
        "outputs": 10,
        "task": task,
        "torch": "2.13.0",
        "device": "cpu",
        "numerics": 1,
    }


def _curve(trial: Trial) -> list[dict[str, Any]]:
    rows = [
        {
            "id": trial.id,
            "step": EVERY * (index + 1),
            "train_loss": loss,
            "learning_rate": 0.01,
            "test_loss": loss,
            "test_accuracy": trial.accuracies[index] if trial.accuracies else math.nan,
        }
        for index, loss in enumerate(trial.losses)
    ]
    start = {"id": trial.id, "step": 0, "train_loss": math.nan, "learning_rate": 0.01}
    return [{**start, "test_loss": math.nan, "test_accuracy": math.nan}, *rows] if rows else []


def _layers(trial: Trial) -> list[dict[str, Any]]:
    if not trial.losses:
        return []
    steps = [0, EVERY * len(trial.losses)]
    return [
        {
            **_layer_row(trial.id, step, layer, len(activations), activation, gradient),
            "unit_diversity": trial.diversity,
            "dead_fraction": dead,
        }
        for step, activations, gradients, dead in zip(
            steps, trial.activations, trial.gradients, trial.dead, strict=False
        )
        for layer, (activation, gradient) in enumerate(zip(activations, gradients, strict=True), start=1)
    ]


def _layer_row(
    trial: str = "", step: int = 0, layer: int = 1, depth: int = 1, activation: float = 1.0, gradient: float = 1.0
) -> dict[str, Any]:
    return {
        "id": trial,
        "step": step,
        "layer": layer,
        "name": "output" if layer == depth else f"layer{layer}",
        "fan_in": 128,
        "fan_out": 10 if layer == depth else 128,
        "weight_mean": 0.0,
        "weight_std": 0.1,
        "unit_diversity": 1.0,
        "preact_mean": 0.0,
        "preact_variance": activation,
        "activation_mean": 0.0,
        "activation_variance": activation,
        "activation_second_moment": activation,
        "dead_fraction": 0.25,
        "saturated_fraction": 0.0,
        "grad_variance": gradient,
        "weight_grad_variance": gradient,
        "weight_grad_norm": 1.0,
        "predicted_preact_variance": math.nan,
        "predicted_grad_variance": math.nan,
    }
