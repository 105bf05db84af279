"""SELU: the ELU scaled so that mean 0 and variance 1 are a stable fixed point of LeCun-initialized layers.

The two constants solve E[φ(z)] = 0 and E[φ(z)²] = 1 at z ~ N(0, 1). With e₁ = erfc(1/√2) and e₂ = erfc(√2) they are

    alpha = √(2/π) / (1 - e₁ √e),
    scale = (1 - e₁ √e) √(2π) / √(2 e₂ e² + π e e₁² - 2 (2 + π) √e e₁ + π + 2).

Klambauer, Unterthiner, Mayr and Hochreiter, "Self-Normalizing Neural Networks", 2017, equation 14.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from initbench.activations import _base


class SELU(_base.PointwiseActivation):
    """Scale · x above zero, scale · alpha · (exp(x) - 1) below it."""

    alpha: ClassVar[float] = 1.6732632423543772
    scale: ClassVar[float] = 1.0507009873554805

    def __call__(self, x: Tensor) -> Tensor:
        """The function; PyTorch's kernel holds the same constants."""
        return torch.selu(x)
