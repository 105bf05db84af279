"""RMSprop: steps divided by a running root mean square of the gradient.

Tieleman and Hinton, "Lecture 6.5: RMSprop", Coursera, Neural Networks for Machine Learning, 2012; centered in Graves,
"Generating Sequences With Recurrent Neural Networks", 2013, section 4.2.
"""

from __future__ import annotations

import torch
from pydantic import Field

from initbench.optimizers import _base


class RMSprop(_base.TorchOptimizer):
    """RMSprop, optionally with momentum and centered."""

    rule = torch.optim.RMSprop
    fused_on = frozenset()  # torch has no fused kernel for it

    lr: _base.Rate = 0.01
    alpha: _base.Fraction = Field(default=0.99, description="decay of the running mean of squares")
    eps: _base.Epsilon = 1e-8
    momentum: _base.Fraction = Field(default=0.0, description="weight of the running step")
    centered: bool = Field(default=False, description="divide by the standard deviation, not the root mean square")
