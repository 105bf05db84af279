"""Adam: steps scaled by running averages of the gradient and of its square.

Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1; AMSGrad from Reddi, Kale and Kumar, "On
the Convergence of Adam and Beyond", 2018, algorithm 2.
"""

from __future__ import annotations

import torch
from pydantic import Field

from initbench.optimizers import _base


class Adam(_base.TorchOptimizer):
    """Adam, with weight decay added to the gradient."""

    rule = torch.optim.Adam

    lr: _base.Rate = 0.001
    betas: _base.Betas = (0.9, 0.999)
    eps: _base.Epsilon = 1e-8
    amsgrad: bool = Field(default=False, description="divide by the largest average of squares so far")
