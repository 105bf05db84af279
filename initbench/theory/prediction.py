"""Predicted variance of signals and gradients, layer by layer, for a concrete chain of layers.

Forward, each layer of weights turns a second moment m into the variance fan_in · Var(W) · m + Var(b), each activation
turns a variance q into E[φ(√q z)²]. Backward, the variance of the gradient is multiplied by fan_out · Var(W) and by
E[φ'(√q z)²]. The variances put in are those of the weights as drawn, so a scheme is judged by what it did.

Poole et al. 2016 and Schoenholz et al. 2017 for both recursions; ``signal`` has the source of the bands.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from initbench.theory.signal import Band, Gradient, Signal
from initbench.theory.steps import Step


@dataclass(frozen=True)
class Prediction:
    """What leaves a step, and the gradient with respect to it. Either may be unknown: its numbers are then NaN."""

    signal: Signal
    gradient: Gradient

    @property
    def signal_band(self) -> Band:
        """Where the second moment of one network of this width lies."""
        return self.signal.band

    @property
    def gradient_band(self) -> Band:
        """Where the gradient variance of one network of this width lies."""
        return self.gradient.band(self.signal)


def predict(steps: Sequence[Step], input_second_moment: float, output_gradient: float = math.nan) -> list[Prediction]:
    """One prediction for each step, in the order of the steps.

    ``input_second_moment`` is E[x²] over the inputs and their features. ``output_gradient`` is the variance of the
    gradient with respect to what the last step leaves; left out, no gradient is predicted. A step that theory cannot
    follow has no prediction, nor has anything after it (forward) or before it (backward).
    """
    signals = list(accumulate(steps, lambda signal, step: step.forward(signal), initial=Signal(input_second_moment)))
    downwards = zip(reversed(steps), reversed(signals[:-1]), strict=True)
    gradients = list(
        accumulate(downwards, lambda gradient, at: at[0].backward(gradient, at[1]), initial=Gradient(output_gradient))
    )
    above = reversed(gradients[:-1])  # the last is the gradient with respect to the input
    return [Prediction(signal, gradient) for signal, gradient in zip(signals[1:], above, strict=True)]
