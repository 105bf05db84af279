"""NAdam: Adam with Nesterov's momentum.

Dozat, "Incorporating Nesterov Momentum into Adam", 2016, algorithm 2.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor

from initbench.optimizers import _base


class NAdam(_base.Optimizer):
    """Adam that looks ahead along its momentum, with weight decay added to the gradient."""

    lr: _base.Rate = 0.002
    betas: _base.Betas = (0.9, 0.999)
    eps: _base.Epsilon = 1e-8
    momentum_decay: float = Field(default=0.004, ge=0, description="how fast the momentum rises to its full value")

    def build(self, parameters: Iterable[Tensor], weight_decay: float) -> torch.optim.Optimizer:
        """``torch.optim.NAdam``, all parameters at once (torch has no fused kernel for it)."""
        return torch.optim.NAdam(
            parameters,
            lr=self.lr,
            betas=self.betas,
            eps=self.eps,
            momentum_decay=self.momentum_decay,
            weight_decay=weight_decay,
            foreach=True,
        )
