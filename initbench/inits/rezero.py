"""ReZero: every residual branch behind a trained factor that starts at zero, whatever the branch.

In x + α F(x) with α = 0 the signal passes any depth unchanged and all singular values of the input-output Jacobian are
1, for activations and branches of any kind. In the first step only α learns, with the branches' weights as they were
drawn. The paper leaves those to the usual scheme; here they have the variance 1 / fan_in times the square of the gain
of the activation that feeds them, which is He's for ReLU.

Bachlechner, Majumder, Mao, Cottrell and McAuley, "ReZero is All You Need: Fast Convergence at Large Depth", 2020,
sections 1 and 3.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field
from torch import Generator, Tensor, nn

from initbench.inits import _base
from initbench.inits._conditions import BRANCHES, MULTIPLIERS
from initbench.inits._draw import Distribution, draw
from initbench.inits._residual import fill_branches
from initbench.sites import Site


class ReZero(_base.Init):
    """Weights that keep the signal, and a factor of zero on each branch."""

    formula: ClassVar[str] = "Var(W) = gain² / fan_in, and α = 0 in x + α F(x)"
    suits: ClassVar[str] = "very deep residual networks, with any activation"
    requires: ClassVar = (BRANCHES, MULTIPLIERS)

    distribution: Distribution = Field(default="normal", description="shape of the distribution; its variance is kept")

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw the weights; set the factors to zero."""
        fill_branches(self, network, context, self._weight, multiplier=0.0)

    def _weight(self, site: Site, rng: Generator) -> Tensor:
        gain = site.before.gain if site.before else 1.0
        return draw(self.distribution, std=gain / math.sqrt(site.fan_in), shape=site.shape, rng=rng)
