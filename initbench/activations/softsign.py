"""Softsign: x / (1 + |x|), which saturates by a power law where tanh does so exponentially.

Bergstra, Desjardins, Lamblin and Bengio, "Quadratic Polynomials Learn Better Image Features", 2009; compared with tanh
and sigmoid in Glorot and Bengio, 2010.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from initbench.activations import _base


class Softsign(_base.PointwiseActivation):
    """x / (1 + |x|)."""

    def __call__(self, x: Tensor) -> Tensor:
        """The function, x / (1 + |x|)."""
        return functional.softsign(x)
