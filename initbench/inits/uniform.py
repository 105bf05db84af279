"""Uniform initialization: one interval for every layer, whatever its size.

The variance is bound² / 3, so that the signal's second moment changes by the factor fan_in · bound² / 3 in every linear
layer.

The oldest choice for small networks, for instance U(-0.3, 0.3) in Rumelhart, Hinton and Williams, "Learning
representations by back-propagating errors", 1986.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base, _draw
from initbench.sites import Site


class Uniform(_base.PerWeightInit):
    """U(-bound, bound) in every layer."""

    formula: ClassVar[str] = "W ~ U(-bound, bound), Var(W) = bound² / 3"
    suits: ClassVar[str] = "a baseline to beat, and shallow networks"

    bound: float = Field(gt=0, description="largest absolute value of a weight", examples=[0.05])

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw from U(-bound, bound)."""
        return _draw.uniform(self.bound, site.shape, rng)
