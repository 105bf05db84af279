"""LeCun initialization: keep the variance of the signal through linear layers, Var(W) = 1 / fan_in.

A sum of fan_in independent products of unit-variance inputs with zero-mean weights of variance 1 / fan_in has unit
variance. Activations must then return unit variance to unit variance: the scaled tanh of the paper does, and SELU was
built so that it does.

LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6, equation 16. For SELU: Klambauer, Unterthiner,
Mayr and Hochreiter, "Self-Normalizing Neural Networks", 2017, section 2.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._conditions import activations
from initbench.inits._draw import Distribution, distribution_aliases, draw
from initbench.sites import Site


class LeCun(_base.PerWeightInit):
    """Variance 1 / fan."""

    aliases: ClassVar = distribution_aliases("lecun")
    formula: ClassVar[str] = "Var(W) = 1 / fan_in"
    suits: ClassVar[str] = "SELU networks, which it keeps at mean 0 and variance 1, and linear ones"
    assumes: ClassVar = (activations("selu", "linear"),)

    mode: Literal["fan_in", "fan_out"] = Field(
        default="fan_in", description="keep the forward signal (fan_in) or the gradient (fan_out)"
    )
    distribution: Distribution = Field(default="normal", description="shape of the distribution; its variance is kept")

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw with standard deviation 1 / √fan."""
        fan = site.fan_in if self.mode == "fan_in" else site.fan_out
        return draw(self.distribution, std=1 / math.sqrt(fan), shape=site.shape, rng=rng)
