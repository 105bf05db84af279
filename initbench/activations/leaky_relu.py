"""Leaky ReLU: the identity above zero, a gentle slope below it.

At symmetric input of second moment q it leaves (1 + slope²)/2 · q, so no unit ever falls silent for good.

Maas, Hannun and Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", 2013, section 2.
"""

from __future__ import annotations

from pydantic import Field, FiniteFloat
from torch import Tensor
from torch.nn import functional

from initbench.activations import _base


class LeakyReLU(_base.PointwiseActivation):
    """x above zero, slope · x below it."""

    slope: FiniteFloat = Field(default=0.01, ge=0, le=1, description="the derivative below zero")

    def __call__(self, x: Tensor) -> Tensor:
        """The larger of x and slope · x."""
        return functional.leaky_relu(x, self.slope)
