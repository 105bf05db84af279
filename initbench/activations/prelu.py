"""PReLU: a leaky ReLU whose slope below zero is trained with the weights.

One slope per layer, shared by its units, starts at 0.25. The gains are those of the starting slope.

He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015, section 2.1.
"""

from __future__ import annotations

from pydantic import Field, FiniteFloat
from torch import Tensor, nn
from torch.nn import functional

from initbench.activations import _base


class PReLU(_base.Activation):
    """x above zero, slope · x below it; the layer owns the slope as a parameter."""

    slope: FiniteFloat = Field(default=0.25, description="the derivative below zero, before training")

    def __call__(self, x: Tensor) -> Tensor:
        """The function at the starting slope."""
        return functional.leaky_relu(x, self.slope)

    def layer(self) -> nn.Module:
        """PyTorch's own layer, with one slope to train."""
        return nn.PReLU(init=self.slope)
