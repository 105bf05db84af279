"""Flax's default: what ``nn.Dense`` and ``nn.Conv`` hold when nobody initializes them.

Weights are LeCun's, variance 1 / fan_in, from a truncated normal distribution (corrected for the cut); biases zero.

Flax, ``flax.linen.linear.default_kernel_init`` = ``jax.nn.initializers.lecun_normal()``; after LeCun, Bottou, Orr and
Müller, "Efficient BackProp", 1998, section 4.6.
"""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._draw import draw
from initbench.sites import Site


class FlaxDefault(_base.PerWeightInit):
    """Truncated normal weights of variance 1 / fan_in, zero biases."""

    aliases: ClassVar = {"jax_default": {}}
    formula: ClassVar[str] = "Var(W) = 1 / fan_in, cut off at two standard deviations, b = 0"
    suits: ClassVar[str] = "a fair comparison with models written in JAX; SELU networks"

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw with standard deviation 1 / √fan_in."""
        return draw("truncated_normal", std=1 / math.sqrt(site.fan_in), shape=site.shape, rng=rng)
