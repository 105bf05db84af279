"""Variance scaling: the family that He, Xavier and LeCun belong to, Var(W) = scale / fan.

He is scale 2 on fan_in, LeCun scale 1 on fan_in, Xavier scale 1 on fan_avg = (fan_in + fan_out) / 2. The defaults are
those of Keras and JAX, which made the name common.

The general form is discussed in He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015, section 2.2.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._draw import Distribution, draw
from initbench.sites import Site


class VarianceScaling(_base.PerWeightInit):
    """Variance scale / fan, the fan of one's choice."""

    aliases: ClassVar = {"scaled": {}}
    formula: ClassVar[str] = "Var(W) = scale / fan, fan_avg = (fan_in + fan_out) / 2"
    suits: ClassVar[str] = "sweeps over the scale of the weights, and recipes written for Keras or JAX"

    scale: float = Field(default=1.0, gt=0, description="variance of the weights times the fan")
    mode: Literal["fan_in", "fan_out", "fan_avg"] = Field(
        default="fan_in", description="the fan that divides the scale"
    )
    distribution: Distribution = Field(
        default="truncated_normal", description="shape of the distribution; its variance is kept"
    )

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw with standard deviation √(scale / fan)."""
        fans = {"fan_in": site.fan_in, "fan_out": site.fan_out, "fan_avg": (site.fan_in + site.fan_out) / 2}
        return draw(self.distribution, std=math.sqrt(self.scale / fans[self.mode]), shape=site.shape, rng=rng)
