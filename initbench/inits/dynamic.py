"""Dynamic initialization in its static form: Kaiming uniform weights, times a factor.

With the factor f the signal's second moment grows by f² in every ReLU layer: 1.5 makes 2.25 a layer, which a network
of few layers can bear and which speeds up its first steps.

After He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015, section 2.2, whose variance the factor multiplies.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._draw import draw
from initbench.sites import Site


class Dynamic(_base.PerWeightInit):
    """Uniform weights of variance 2 factor² / fan_in."""

    formula: ClassVar[str] = "W ~ factor · U(±√(6 / fan_in)), Var(W) = 2 factor² / fan_in"
    suits: ClassVar[str] = "shallow ReLU networks; it explodes in deep ones unless the factor is near 1"

    factor: float = Field(default=1.5, gt=0, description="factor on the Kaiming uniform weights")

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw with standard deviation factor √2 / √fan_in (for ReLU)."""
        std = self.factor * site.rectifier_gain / math.sqrt(site.fan_in)
        return draw("uniform", std=std, shape=site.shape, rng=rng)
