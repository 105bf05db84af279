"""Adam: steps scaled by running averages of the gradient and of its square.

Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2015, algorithm 1; AMSGrad from Reddi, Kale and Kumar, "On
the Convergence of Adam and Beyond", 2018, algorithm 2.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor

from initbench.optimizers import _base


class Adam(_base.Optimizer):
    """Adam, with weight decay added to the gradient."""

    lr: _base.Rate = 0.001
    betas: _base.Betas = (0.9, 0.999)
    eps: _base.Epsilon = 1e-8
    amsgrad: bool = Field(default=False, description="divide by the largest average of squares so far")

    def build(self, parameters: Iterable[Tensor], weight_decay: float) -> torch.optim.Optimizer:
        """``torch.optim.Adam`` on the fused kernel."""
        return torch.optim.Adam(
            parameters,
            lr=self.lr,
            betas=self.betas,
            eps=self.eps,
            amsgrad=self.amsgrad,
            weight_decay=weight_decay,
            fused=True,
        )
