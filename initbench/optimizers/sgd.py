"""SGD: steps along the gradient of a batch, with momentum if wanted.

Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Nesterov's form as in Sutskever,
Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning", 2013, section 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from initbench.optimizers import _base


class SGD(_base.Optimizer):
    """Plain, heavy-ball or Nesterov gradient descent."""

    lr: _base.Rate = 0.01
    momentum: _base.Fraction = Field(default=0.0, description="weight of the running gradient")
    dampening: float = Field(default=0.0, ge=0, le=1, description="share of each gradient kept out of the momentum")
    nesterov: bool = Field(default=False, description="look ahead along the momentum (needs momentum > 0)")

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov needs momentum > 0, for instance momentum: 0.9")
        if self.nesterov and self.dampening > 0:
            raise ValueError("nesterov needs dampening 0")
        return self

    def build(self, parameters: Iterable[Tensor], weight_decay: float) -> torch.optim.Optimizer:
        """``torch.optim.SGD`` on the fused kernel."""
        return torch.optim.SGD(
            parameters,
            lr=self.lr,
            momentum=self.momentum,
            dampening=self.dampening,
            nesterov=self.nesterov,
            weight_decay=weight_decay,
            fused=True,
        )
