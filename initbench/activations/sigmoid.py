"""Logistic sigmoid: saturating and never negative; its mean of 1/2 is why deep stacks of it are hard to train.

Glorot and Bengio, "Understanding the Difficulty of Training Deep Feedforward Neural Networks", 2010, section 3.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from initbench.activations import _base


class Sigmoid(_base.PointwiseActivation):
    """1 / (1 + exp(-x))."""

    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {"logistic": {}}

    def __call__(self, x: Tensor) -> Tensor:
        """1 / (1 + exp(-x))."""
        return torch.sigmoid(x)
