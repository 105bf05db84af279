"""SGD: steps along the gradient of a batch, with momentum if wanted.

Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Nesterov's form as in Sutskever,
Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning", 2013, section 2.
"""

from __future__ import annotations

from typing import Self

import torch
from pydantic import Field, model_validator

from initbench.optimizers import _base


class SGD(_base.TorchOptimizer):
    """Plain, heavy-ball or Nesterov gradient descent."""

    rule = torch.optim.SGD

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
