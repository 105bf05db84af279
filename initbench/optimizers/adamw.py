"""AdamW: Adam with weight decay apart from the gradient.

Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2.
"""

from __future__ import annotations

import torch
from pydantic import Field

from initbench.optimizers import _base


class AdamW(_base.TorchOptimizer):
    """Adam whose weights shrink by lr · weight_decay in every step. Without weight decay it is Adam."""

    rule = torch.optim.AdamW

    lr: _base.Rate = 0.001
    betas: _base.Betas = (0.9, 0.999)
    eps: _base.Epsilon = 1e-8
    amsgrad: bool = Field(default=False, description="divide by the largest average of squares so far")
