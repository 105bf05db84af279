"""Adagrad: steps divided by the root of all squared gradients so far.

Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", 2011, figure 1.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor

from initbench.optimizers import _base


class Adagrad(_base.Optimizer):
    """Adagrad."""

    lr: _base.Rate = 0.01
    lr_decay: float = Field(default=0.0, ge=0, description="lr is divided by 1 + step · lr_decay")
    initial_accumulator_value: float = Field(default=0.0, ge=0, description="start of the sum of squares")
    eps: _base.Epsilon = 1e-10

    def build(self, parameters: Iterable[Tensor], weight_decay: float) -> torch.optim.Optimizer:
        """``torch.optim.Adagrad``, on the fused kernel where the device has one."""
        trained = list(parameters)
        on_cpu = all(parameter.device.type == "cpu" for parameter in trained)
        return torch.optim.Adagrad(
            trained,
            lr=self.lr,
            lr_decay=self.lr_decay,
            initial_accumulator_value=self.initial_accumulator_value,
            eps=self.eps,
            weight_decay=weight_decay,
            foreach=not on_cpu,
            fused=on_cpu,
        )
