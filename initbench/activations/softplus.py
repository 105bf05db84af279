"""Softplus: the smooth ReLU, log(1 + exp(x)), whose derivative is the sigmoid.

Dugas, Bengio, Bélisle, Nadeau and Garcia, "Incorporating Second-Order Functional Knowledge for Better Option Pricing",
2001, section 3.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from initbench.activations import _base

LINEAR_ABOVE = 40.0  # exp(-40) is below the rounding of float64; PyTorch's default of 20 leaves a step of 2e-9


class Softplus(_base.PointwiseActivation):
    """log(1 + exp(x))."""

    def __call__(self, x: Tensor) -> Tensor:
        """log(1 + exp(x)), without overflow."""
        return functional.softplus(x, threshold=LINEAR_ABOVE)
