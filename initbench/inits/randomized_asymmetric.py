"""Randomized asymmetric initialization: one positive weight for each unit, so that fewer ReLU units are born dead.

Weights and biases symmetric about zero leave a narrow deep ReLU network dead (constant in its input) with a probability
that grows to 1 with its depth. Here the fan_in weights and the bias of a unit are normal with variance
0.6007² / fan_in, then one of them, chosen at random, is replaced by a draw from Beta(2, 1), whose mean is 2/3. The
constant keeps the expected squared norm of the signal bounded.

Lu, Shin, Su and Karniadakis, "Dying ReLU and Initialization: Theory and Numerical Examples", 2019, section 4.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from initbench.inits import _base
from initbench.inits._conditions import activations
from initbench.inits._draw import from_units
from initbench.seeding import generator
from initbench.sites import Site

NORMAL_STD = 0.6007  # times 1/√fan_in, section 4 of the paper


class RandomizedAsymmetric(_base.Init):
    """Normal weights and biases, one of each unit's replaced by a positive draw."""

    aliases: ClassVar = {"rai": {}}
    formula: ClassVar[str] = "W, b ~ N(0, 0.6007² / fan_in), one of each unit's fan_in + 1 values ~ Beta(2, 1)"
    suits: ClassVar[str] = "narrow and deep ReLU networks, whose units would be born dead"
    assumes: ClassVar = (activations("relu"),)

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw the weights and the bias of each unit together."""
        with torch.no_grad():
            for site in context.sites:
                rows = _rows(site, generator(context.seed, "weight", site.weight))
                network.get_parameter(site.weight).copy_(from_units(rows[:, : site.fan_in], site))
                if site.bias:
                    network.get_parameter(site.bias).copy_(rows[:, site.fan_in])


def _rows(site: Site, rng: Generator) -> Tensor:
    """Each unit's weights, then its bias where it has one: [units, fan_in (+ 1)]."""
    units, length = _base.bias_length(site), site.fan_in + site.has_bias
    rows = torch.randn(units, length, generator=rng) * (NORMAL_STD / math.sqrt(site.fan_in))
    chosen = torch.randint(length, (units, 1), generator=rng)
    beta = torch.rand(units, 1, generator=rng).sqrt()  # the distribution function of Beta(2, 1) is x²
    return rows.scatter(1, chosen, beta)
