"""The TensorFlow 1 tutorials' start: one truncated normal for all weights, and a small positive bias.

``tf.truncated_normal(shape, stddev=0.1)`` redraws what lies beyond two standard deviations and does not correct for it:
the weights have 0.88 of the standard deviation that is asked for. The bias of 0.1 was meant to keep ReLU units alive.

TensorFlow 1, "Deep MNIST for Experts", 2016, section "Weight Initialization".
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Generator, Tensor, nn

from initbench.inits import _base
from initbench.inits._conditions import few_layers
from initbench.inits._draw import TRUNCATED_STD, draw
from initbench.sites import Site


class TF1Truncated(_base.Init):
    """N(0, std²) cut off at two standard deviations, and constant biases."""

    formula: ClassVar[str] = "W ~ N(0, std²) cut off at ±2 std, Var(W) = 0.774 std², b = bias"
    suits: ClassVar[str] = "the networks of old tutorials; few layers of moderate width"
    assumes: ClassVar = (few_layers(10),)

    std: float = Field(default=0.1, gt=0, description="standard deviation before the cut")
    bias: float = Field(default=0.1, description="value of every bias")

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw the weights, set the biases."""
        _base.fill_sites(network, context, self._weight, self._bias)

    def _weight(self, site: Site, rng: Generator) -> Tensor:
        return draw("truncated_normal", std=self.std * TRUNCATED_STD, shape=site.shape, rng=rng)

    def _bias(self, site: Site, _rng: Generator) -> Tensor:
        return torch.full((_base.bias_length(site),), self.bias)
