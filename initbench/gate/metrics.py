"""The metrics that a check compares, each on a scale on which a change is a ratio and more is worse.

Steps, losses and areas are compared by their logarithms; an accuracy by that of its error, 1 - accuracy, so that from
99 % to 98 % is twice the errors. What is too small to matter counts as the least that does: a loss below 0.001, an
error below 1 %. The *grid* is the step between two values that can be told apart: the log interval for steps to the
target, and half a percent for accuracies, whose test sets have a few hundred samples at least.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

STEPS = "steps_to_target"
ACCURACY = "final_test_accuracy"
METRICS = (STEPS, "loss_area", "final_train_loss", "final_test_loss", ACCURACY)

LEAST_LOSS = 1e-3
LEAST_ERROR = 1e-2
LEAST_AREA = 1e-3
ACCURACY_GRID = 5e-3


def cost(metric: str, values: Sequence[float]) -> list[float]:
    """The logarithm of how bad each value is; NaN stays NaN."""
    numbers = np.asarray(values, dtype=float)
    if metric.endswith("accuracy"):
        return [float(value) for value in np.log(np.maximum(1 - numbers, LEAST_ERROR))]
    least = {STEPS: 1.0, "loss_area": LEAST_AREA}.get(metric, LEAST_LOSS)
    return [float(value) for value in np.log(np.maximum(numbers, least))]


def hidden_spread(metric: str, mean_cost: float, step_grid: float) -> float:
    """The standard deviation of the cost that the grid may hide: half of a grid step, the most for two values."""
    grid = {STEPS: step_grid, ACCURACY: ACCURACY_GRID}.get(metric, 0.0)
    return 0.5 * grid / math.exp(mean_cost) if grid else 0.0


def title(metric: str) -> str:
    """A metric in words: ``final train loss``."""
    return metric.replace("_", " ")
