"""Hyperbolic tangent: odd, saturating, with slope 1 at zero. LeCun, Bottou, Orr and Müller, 1998, section 4.4."""

from __future__ import annotations

import torch
from torch import Tensor

from initbench.activations import _base


class Tanh(_base.PointwiseActivation):
    """tanh(x). Odd, so zero-mean signals stay zero-mean."""

    def __call__(self, x: Tensor) -> Tensor:
        """tanh(x)."""
        return torch.tanh(x)
