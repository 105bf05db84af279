"""Results folders of any size without training: made-up curves and layers in the layout and with the columns of a run.

Losses fall exponentially from chance, at a pace that scheme, rate, depth and seed decide; rates too high diverge, and
signals shrink or grow by the scheme's own factor from layer to layer. So every part of a report has something to show:
winners, misses, divergence, best rates and greatest depths.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from initbench.records import Manifest, Records, ResultsFolder

CHANCE = math.log(10)
STACK = 8
LOG_EVERY = 10
RATE, DEPTH = "optimizer.lr", "network.depth"


@dataclass(frozen=True)
class Layout:
    """Schemes × depths × rates × seeds, and the size of a trial's records."""

    schemes: int = 10
    depths: Sequence[int] = (4, 6, 8, 10, 12)
    rates: Sequence[float] = field(default_factory=lambda: [0.001 * 2**power for power in range(10)])
    seeds: int = 20
    steps: int = 500

    @property
    def trials(self) -> int:
        """How many there are."""
        return self.schemes * len(self.depths) * len(self.rates) * self.seeds

    @property
    def axes(self) -> tuple[str, ...]:
        """What is swept."""
        swept = [name for name, axis in {DEPTH: self.depths, RATE: self.rates}.items() if len(axis) > 1]
        return ("init", *swept)


SWEEP = Layout()
"""10 schemes in 50 settings with 20 seeds each: 10 000 trials."""
SEEDS = Layout(schemes=4, depths=(8,), rates=(0.01,), seeds=2500)
"""4 schemes with 2 500 seeds each: 10 000 trials."""


def generate(path: Path, layout: Layout) -> ResultsFolder:
    """Write a results folder, one file of each table for every stack of eight trials."""
    folder = ResultsFolder(path)
    folder.create()
    ids: list[str] = []
    for depth, rate in product(layout.depths, layout.rates):
        group = [(scheme, seed) for seed in range(layout.seeds) for scheme in range(layout.schemes)]
        for start in range(0, len(group), STACK):
            stack = Stack(depth, rate, group[start : start + STACK], layout.steps)
            folder.append(stack.ids[0], stack.records())
            ids += stack.ids
    folder.write_manifest(Manifest("generated", tuple(ids), layout.axes, "train_loss", 0.5))
    folder.write_experiment(f"name: generated\n# {layout.trials} made-up trials\n")
    folder.write_provenance({"initbench": "generated", "device": "cpu"})
    return folder


@dataclass(frozen=True)
class Stack:
    """Trials of one setting, as (scheme, seed)."""

    depth: int
    rate: float
    trials: Sequence[tuple[int, int]]
    steps: int

    @property
    def ids(self) -> list[str]:
        """Made-up ids of the usual form."""
        return [
            hashlib.sha256(f"{self.depth} {self.rate} {scheme} {seed}".encode()).hexdigest()[:16]
            for scheme, seed in self.trials
        ]

    def records(self) -> Records:
        """The three tables."""
        rng = np.random.default_rng([self.depth, round(1e6 * self.rate), *self.trials[0]])
        schemes = np.array([scheme for scheme, _ in self.trials])
        losses = self._losses(schemes, rng)
        diverged = self.rate > 0.3 / (1 + schemes)
        stop = np.where(diverged, 12, losses.shape[1])
        return Records(
            outcomes=pd.DataFrame(self._outcomes(losses, diverged)),
            curves=pd.concat(self._curves(losses, stop), ignore_index=True),
            layers=pd.concat(self._layers(schemes, diverged, rng), ignore_index=True),
        )

    def _losses(self, schemes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Train losses at steps 10, 20, … as [trials, rows]."""
        pace = 60 * (1 + 0.15 * schemes) * (0.02 / self.rate) ** 0.7 * (self.depth / 4) ** (0.1 * schemes)
        pace = pace * np.exp(rng.normal(0, 0.1, len(schemes)))
        at = np.arange(LOG_EVERY, self.steps + 1, LOG_EVERY)
        return np.asarray(CHANCE * np.exp(-at / pace[:, None]) + 0.02 + 0.01 * rng.random((len(schemes), len(at))))

    def _outcomes(self, losses: np.ndarray, diverged: np.ndarray) -> dict[str, object]:
        schemes, seeds = zip(*self.trials, strict=True)
        count = len(self.trials)
        final = np.where(diverged, np.inf, losses[:, -1])
        return {
            "id": self.ids,
            "init": [f"scheme{scheme}" for scheme in schemes],
            "dataset": ["mnist_10k"] * count,
            "network": [f"mlp[depth={self.depth},width=128]"] * count,
            "activation": ["relu"] * count,
            "optimizer": [f"sgd[lr={self.rate}]"] * count,
            "schedule": ["constant"] * count,
            DEPTH: [self.depth] * count,
            "network.width": [128] * count,
            RATE: [self.rate] * count,
            "batch_size": [128] * count,
            "epochs": [None] * count,
            "steps": [self.steps] * count,
            "seed": seeds,
            "data_seed": seeds,
            "status": np.where(diverged, "diverged", "finished"),
            "reason": np.where(diverged, "the loss is not finite", None),
            "diverged_step": np.where(diverged, 120, None),
            "first_bad_layer": np.where(diverged, "layer2", None),
            "final_train_loss": final,
            "best_train_loss": losses.min(axis=1),
            "final_test_loss": final * 1.05,
            "best_test_loss": losses.min(axis=1) * 1.05,
            "final_test_accuracy": np.where(diverged, 0.1, 1 - losses[:, -1] / 4),
            "best_test_accuracy": 1 - losses.min(axis=1) / 4,
            "seconds": [2.0] * count,
            "init_seconds": [0.01] * count,
            "parameters": [100_000] * count,
            "outputs": [10] * count,
            "task": ["classification"] * count,
            "device": ["cpu"] * count,
            "torch": ["2.13.0"] * count,
            "numerics": [1] * count,
        }

    def _curves(self, losses: np.ndarray, stop: np.ndarray) -> Iterator[pd.DataFrame]:
        for trial, row, rows in zip(self.ids, losses, stop, strict=True):
            step = LOG_EVERY * np.arange(rows + 1)
            train = np.concatenate([[math.nan], row[:rows]])
            evaluated = step % 100 == 0
            test = np.where(evaluated, np.concatenate([[CHANCE], row[:rows]]) * 1.05, math.nan)
            yield pd.DataFrame(
                {
                    "id": trial,
                    "step": step,
                    "train_loss": train,
                    "learning_rate": self.rate,
                    "test_loss": test,
                    "test_accuracy": 1 - test / 4,
                }
            )

    def _layers(self, schemes: np.ndarray, diverged: np.ndarray, rng: np.random.Generator) -> Iterator[pd.DataFrame]:
        ends = [0, *(2**power for power in range(self.steps.bit_length())), self.steps]
        for trial, scheme, short in zip(self.ids, schemes, diverged, strict=True):
            probes = [step for step in ends if step <= 120] if short else ends
            step, layer = (grid.ravel() for grid in np.meshgrid(probes, np.arange(1, self.depth + 1), indexing="ij"))
            factor = 0.6 + 0.05 * scheme
            expected = factor ** (2.0 * layer)
            backward = factor ** (2.0 * (self.depth - layer)) * 1e-3
            noise = np.exp(rng.normal(0, 0.1, (4, len(step))))
            yield pd.DataFrame(
                {
                    "id": trial,
                    "step": step,
                    "layer": layer,
                    "name": np.where(layer == self.depth, "output", np.char.add("layer", layer.astype(str))),
                    "fan_in": np.where(layer == 1, 784, 128),
                    "fan_out": np.where(layer == self.depth, 10, 128),
                    "preact_mean": 0.0,
                    "preact_variance": 2 * expected * noise[0],
                    "activation_mean": 0.1,
                    "activation_variance": expected * noise[1],
                    "activation_second_moment": 1.2 * expected * noise[1],
                    "dead_fraction": 0.05 * noise[2],
                    "grad_mean": 0.0,
                    "grad_variance": backward * noise[3],
                    "saturated_fraction": 0.5,
                    "weight_mean": 0.0,
                    "weight_std": 0.1 * factor,
                    "unit_diversity": 0.99,
                    "weight_grad_variance": backward * noise[2],
                    "weight_grad_norm": np.sqrt(backward),
                    **_predictions(step, 2 * expected, expected, backward),
                }
            )


def _predictions(step: np.ndarray, *expected: np.ndarray) -> dict[str, np.ndarray]:
    """What theory says, at step 0 alone."""
    names = ("preact_variance", "activation_variance", "grad_variance")
    ends = {"": 1.0, "_low": 0.8, "_high": 1.25}
    return {
        f"predicted_{name}{end}": np.where(step == 0, factor * values, math.nan)
        for name, values in zip(names, expected, strict=True)
        for end, factor in ends.items()
    }
