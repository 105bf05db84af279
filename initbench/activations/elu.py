"""ELU: the identity above zero, a decaying exponential below it, so that outputs centre near zero.

Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units", 2016,
section 3.
"""

from __future__ import annotations

from pydantic import Field, FiniteFloat
from torch import Tensor
from torch.nn import functional

from initbench.activations import _base


class ELU(_base.PointwiseActivation):
    """x above zero, alpha · (exp(x) - 1) below it."""

    alpha: FiniteFloat = Field(default=1.0, gt=0, description="minus the value at which negative inputs saturate")

    def __call__(self, x: Tensor) -> Tensor:
        """The function, in its exact form."""
        return functional.elu(x, self.alpha)
