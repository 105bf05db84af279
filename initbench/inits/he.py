"""He (Kaiming) initialization: keep the signal's second moment constant through ReLU layers.

Independent zero-mean weights of variance s² multiply the input's second moment by fan_in · s², and ReLU halves it. The
two cancel when s² = 2 / fan_in. A slope a below zero keeps a share a² of the other half: s² = 2 / ((1 + a²) fan_in).
With fan_out in place of fan_in the same holds for the gradient on its way back. The scheme is literal: the factor is
2 whatever the activation, leaky ReLU and PReLU aside.

The aliases ``he_normal`` and ``kaiming_normal`` draw from the plain normal distribution, as the paper and PyTorch do;
Keras gives the name to ``he_truncated_normal``.

He, Zhang, Ren and Sun, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification",
2015, section 2.2, equations 10, 14 and 15.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._conditions import RECTIFIERS
from initbench.inits._draw import Distribution, distribution_aliases, draw
from initbench.sites import Site


class He(_base.PerWeightInit):
    """Variance 2 / fan for rectifiers."""

    aliases: ClassVar = {"kaiming": {}, **distribution_aliases("he", "kaiming")}
    formula: ClassVar[str] = "Var(W) = 2 / fan_in, or 2 / ((1 + a²) fan_in) for leaky ReLU and PReLU of slope a"
    suits: ClassVar[str] = "ReLU and its leaky relatives, at any depth, without normalization layers"
    assumes: ClassVar = (RECTIFIERS,)

    mode: Literal["fan_in", "fan_out"] = Field(
        default="fan_in", description="keep the forward signal (fan_in) or the gradient (fan_out)"
    )
    distribution: Distribution = Field(default="normal", description="shape of the distribution; its variance is kept")

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw with standard deviation √2 / √fan (for ReLU)."""
        fan = site.fan_in if self.mode == "fan_in" else site.fan_out
        return draw(self.distribution, std=site.rectifier_gain / math.sqrt(fan), shape=site.shape, rng=rng)
