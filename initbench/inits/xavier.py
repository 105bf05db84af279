"""Xavier (Glorot) initialization: a compromise between keeping the signal and keeping the gradient in linear layers.

A linear layer keeps the variance of the signal when fan_in · Var(W) = 1, and that of the gradient when
fan_out · Var(W) = 1. Both cannot hold unless the fans agree, so the paper takes their mean: Var(W) = 2 / (fan_in +
fan_out). It reasons with activations that are linear with slope 1 near zero, such as tanh; under ReLU every square
layer halves the second moment of the signal.

Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010, section 4.2.1,
equations 12 and 16.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._conditions import activations
from initbench.inits._draw import Distribution, Gain, distribution_aliases, draw
from initbench.sites import Site


class Xavier(_base.PerWeightInit):
    """Variance 2 / (fan_in + fan_out)."""

    aliases: ClassVar = {"glorot": {}, **distribution_aliases("xavier", "glorot")}
    formula: ClassVar[str] = "Var(W) = 2 gain² / (fan_in + fan_out)"
    suits: ClassVar[str] = "tanh, softsign and linear networks of moderate depth; too small for deep ReLU networks"
    assumes: ClassVar = (activations("tanh", "softsign", "linear"),)

    gain: Gain = 1.0
    distribution: Distribution = Field(default="uniform", description="shape of the distribution; its variance is kept")

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw with standard deviation gain √2 / √(fan_in + fan_out)."""
        std = self.gain * math.sqrt(2 / (site.fan_in + site.fan_out))
        return draw(self.distribution, std=std, shape=site.shape, rng=rng)
