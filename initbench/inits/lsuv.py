"""LSUV: an orthonormal start, then every layer scaled until its output has unit variance on real data.

The layers are taken in the order of execution. A layer's output is proportional to its weights, so dividing them by the
measured standard deviation brings the variance to 1; the loop of the paper repeats until it is within a tolerance, at
most ten times. Measured are the outputs of linear and convolution layers, before the activation, over the probe batch,
units and positions, with the output layer. A layer whose output does not vary at all is left as it is.

Mishkin and Matas, "All you need is a good init", 2016, algorithm 1.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Generator, Tensor, nn

from initbench.inits import _base
from initbench.inits._forward import adjust_in_order
from initbench.sites import Site


class LSUV(_base.Init):
    """Layer-sequential unit variance."""

    formula: ClassVar[str] = "W = Q / √Var(Q x) over a batch, Q semi-orthogonal, layer by layer"
    suits: ClassVar[str] = "any activation and architecture without normalization, where no formula is at hand"

    tolerance: float = Field(default=0.1, gt=0, lt=1, description="largest distance of the variance from 1")
    rounds: int = Field(default=10, ge=1, description="most rescalings of a layer")

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw orthonormal weights, zero biases, then rescale layer by layer."""
        _base.fill_sites(network, context, _orthonormal, _base.zero_bias)
        adjust_in_order(network, context, self._to_unit_variance)

    def _to_unit_variance(self, _site: Site, layer: nn.Module, x: Tensor) -> Tensor:
        weight = layer.get_parameter("weight")
        output: Tensor = layer.forward(x)
        for _ in range(self.rounds):
            variance = output.double().var(correction=0).item()
            if abs(variance - 1) < self.tolerance or not 0 < variance < math.inf:
                break
            weight.div_(math.sqrt(variance))
            output = layer.forward(x)
        return output


def _orthonormal(site: Site, rng: Generator) -> Tensor:
    return nn.init.orthogonal_(torch.empty(site.shape), generator=rng)
