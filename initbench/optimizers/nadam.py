"""NAdam: Adam with Nesterov's momentum.

Dozat, "Incorporating Nesterov Momentum into Adam", 2016, algorithm 2.
"""

from __future__ import annotations

import torch
from pydantic import Field

from initbench.optimizers import _base


class NAdam(_base.TorchOptimizer):
    """Adam that looks ahead along its momentum, with weight decay added to the gradient."""

    rule = torch.optim.NAdam
    fused_on = frozenset()  # torch has no fused kernel for it

    lr: _base.Rate = 0.002
    betas: _base.Betas = (0.9, 0.999)
    eps: _base.Epsilon = 1e-8
    momentum_decay: float = Field(default=0.004, ge=0, description="how fast the momentum rises to its full value")
