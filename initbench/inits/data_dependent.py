"""Data-dependent initialization: every unit starts with mean 0 and variance 1 on real data.

Weights are drawn from a normal distribution. Then, layer by layer, the mean μ and standard deviation σ of each unit's
(each channel's) output over the probe batch are measured; its weights are divided by σ and its bias set to -μ / σ.
Layers without biases are scaled only. A unit whose output does not vary keeps its weights.

This is the within-layer part of the paper. The second part, which balances the gradients of whole layers against each
other, is left out: it needs the loss's gradient, and leaves the function alone for ReLU only.

Krähenbühl, Doersch, Donahue and Darrell, "Data-dependent Initializations of Convolutional Neural Networks", 2016,
section 3.1, algorithm 1.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from initbench.inits import _base
from initbench.inits._draw import draw
from initbench.inits._forward import adjust_in_order, scale_units
from initbench.sites import Site


class DataDependent(_base.Init):
    """Unit variance and zero mean for each unit, measured on a batch."""

    aliases: ClassVar = {"krahenbuhl": {}}
    formula: ClassVar[str] = "W = V / σ, b = -μ / σ for each unit, V normal, μ and σ over a batch"
    suits: ClassVar[str] = "inputs far from standardized, and activations with a mean of their own"
    draws_independently: ClassVar[bool] = False  # a bias undoes what its unit's weights make of the batch

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw normal weights, then standardize the output of every unit."""
        _base.fill_sites(network, context, _normal, _base.zero_bias)
        adjust_in_order(network, context, _standardize)


def _normal(site: Site, rng: Generator) -> Tensor:
    return draw("normal", std=1 / math.sqrt(site.fan_in), shape=site.shape, rng=rng)


def _standardize(site: Site, layer: nn.Module, x: Tensor) -> Tensor:
    output: Tensor = layer.forward(x)
    # Linear layers keep their units on the last axis, convolutions on the second.
    by_unit = output.double().movedim(-1 if site.kind == "linear" else 1, 0).flatten(1)
    std, mean = torch.std_mean(by_unit, dim=1, correction=0)
    # Rounding alone can make a constant unit vary a little.
    varies = std > 1e-6 * by_unit.abs().amax(dim=1)
    factors = torch.where(varies, 1 / std, 1.0)
    scale_units(layer.get_parameter("weight"), factors.to(output.dtype), site)
    if site.bias:
        layer.get_parameter("bias").copy_(-mean * factors)
    standardized: Tensor = layer.forward(x)
    return standardized
