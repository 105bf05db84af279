"""RMSprop: steps divided by a running root mean square of the gradient.

Tieleman and Hinton, "Lecture 6.5: RMSprop", Coursera, Neural Networks for Machine Learning, 2012; centered in Graves,
"Generating Sequences With Recurrent Neural Networks", 2013, section 4.2.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor

from initbench.optimizers import _base


class RMSprop(_base.Optimizer):
    """RMSprop, optionally with momentum and centered."""

    lr: _base.Rate = 0.01
    alpha: _base.Fraction = Field(default=0.99, description="decay of the running mean of squares")
    eps: _base.Epsilon = 1e-8
    momentum: _base.Fraction = Field(default=0.0, description="weight of the running step")
    centered: bool = Field(default=False, description="divide by the standard deviation, not the root mean square")

    def build(self, parameters: Iterable[Tensor], weight_decay: float) -> torch.optim.Optimizer:
        """``torch.optim.RMSprop``, all parameters at once (torch has no fused kernel for it)."""
        return torch.optim.RMSprop(
            parameters,
            lr=self.lr,
            alpha=self.alpha,
            eps=self.eps,
            momentum=self.momentum,
            centered=self.centered,
            weight_decay=weight_decay,
            foreach=True,
        )
