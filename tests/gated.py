"""Made-up runs for the tests of the gate: losses that fall at a chosen rate, with a chosen spread between seeds."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from synthetic_results import EVERY, Trial, results

from initbench.gate import Report, Tolerance, baseline_of, judge
from initbench.gate.measured import Cell
from initbench.records import Results

ROWS = 30


def run(
    *,
    slower: float = 1.0,
    noise: float = 0.02,
    seeds: Sequence[int] = range(5),
    draw: int = 0,
    schemes: Sequence[str] = ("he", "xavier"),
    signal: float = 1.0,
    gradient: float = 1.0,
) -> Results:
    """A run whose losses fall exponentially, ``slower`` times as slow; equal arguments give equal runs."""
    trials = []
    for scheme in schemes:
        for seed in seeds:
            rng = np.random.default_rng((draw, seed, len(scheme)))
            rate = 0.1 / slower * np.exp(noise * rng.standard_normal())
            losses = [2.0 * float(np.exp(-rate * (row + 1))) for row in range(ROWS)]
            luck = np.exp(noise * rng.standard_normal(2))
            trials.append(
                Trial(
                    scheme,
                    seed,
                    losses,
                    [1 - loss / 2.5 for loss in losses],
                    activations=[[float(luck[0]) * signal**layer for layer in (1, 2, 3)]] * 2,
                    gradients=[[float(luck[1]) * gradient**layer for layer in (3, 2, 1)]] * 2,
                )
            )
    return results(*trials)


def cell(rng: np.random.Generator, seeds: Sequence[int], noise: float) -> Cell:
    """A scheme of unchanged code: every number is log-normal over the seeds, the steps rounded to tens."""
    draw = np.exp(noise * rng.standard_normal((3, len(seeds))))
    layers = np.exp(noise * rng.standard_normal((10, 2, len(seeds))).cumsum(axis=0))
    return Cell(
        scheme="he",
        setting="",
        budget=300,
        seeds=tuple(seeds),
        data_seeds=tuple(seeds),
        status=("finished",) * len(seeds),
        digests=("",) * len(seeds),
        metrics={
            "steps_to_target": tuple(10 * np.ceil(8 * draw[0])),
            "loss_area": tuple(60 * draw[1]),
            "final_train_loss": tuple(0.4 * draw[2]),
            "final_test_loss": tuple(0.4 * draw[2]),
            "final_test_accuracy": tuple(1 - np.minimum(0.1 * draw[2], 1)),
        },
        layers={
            f"layer{index}": {"preact_variance": tuple(forward), "grad_variance": tuple(backward)}
            for index, (forward, backward) in enumerate(layers)
        },
    )


def checked(now: Results, before: Results | None = None, **tolerance: object) -> Report:
    """The report of a run against that of a plain one."""
    return judge(now, baseline_of(before or run()), {}, replace(Tolerance(), **tolerance))


def marks(report: Report) -> dict[tuple[str, str], str]:
    """The marks by scheme and metric."""
    return {(found.scheme, found.what): found.mark.value for found in report.findings}


__all__ = ["EVERY", "ROWS", "cell", "checked", "marks", "run"]
