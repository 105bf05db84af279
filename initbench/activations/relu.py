"""ReLU: zero below zero, the identity above it. Nair and Hinton, "Rectified Linear Units Improve RBMs", 2010."""

from __future__ import annotations

import torch
from torch import Tensor

from initbench.activations import _base


class ReLU(_base.PointwiseActivation):
    """max(x, 0). It halves the second moment of a symmetric input."""

    def __call__(self, x: Tensor) -> Tensor:
        """max(x, 0)."""
        return torch.relu(x)
