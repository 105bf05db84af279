"""Stochastic gradient descent with momentum. Polyak 1964; Sutskever, Martens, Dahl and Hinton 2013."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor

from initbench.optimizers import _base


class SGD(_base.Optimizer):
    """Plain, heavy-ball or Nesterov gradient descent."""

    lr: _base.Rate = 0.01
    momentum: float = Field(default=0.0, ge=0, lt=1, description="weight of the running gradient")
    nesterov: bool = Field(default=False, description="look ahead along the momentum (needs momentum > 0)")

    def build(self, parameters: Iterable[Tensor], weight_decay: float) -> torch.optim.Optimizer:
        """``torch.optim.SGD`` on the fused kernel."""
        return torch.optim.SGD(
            parameters,
            lr=self.lr,
            momentum=self.momentum,
            nesterov=self.nesterov,
            weight_decay=weight_decay,
            fused=True,
        )
