"""Adagrad: steps divided by the root of all squared gradients so far.

Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", 2011, figure 1.
"""

from __future__ import annotations

import torch
from pydantic import Field

from initbench.optimizers import _base


class Adagrad(_base.TorchOptimizer):
    """Adagrad."""

    rule = torch.optim.Adagrad
    fused_on = frozenset({"cpu"})

    lr: _base.Rate = 0.01
    lr_decay: float = Field(default=0.0, ge=0, description="lr is divided by 1 + step · lr_decay")
    initial_accumulator_value: float = Field(default=0.0, ge=0, description="start of the sum of squares")
    eps: _base.Epsilon = 1e-10
