"""Fixup: residual networks without normalization whose first steps change the output by as much at any depth.

Let a network have L branches of m weight layers each. Inside a branch He's weights are scaled by L^(-1/(2m - 2)), the
last layer of each branch and the classifier start at zero, and everything else as usual. A step of gradient descent on
the last layer of one branch then moves the output by Θ(1 / L), and all L together by Θ(1). The scheme trains a factor
for each branch, 1 at first, and scalar biases, 0 at first, which the network has to bring along.

Zhang, Dauphin and Ma, "Fixup Initialization: Residual Learning Without Normalization", 2019, section 3.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field
from torch import nn

from initbench.inits import _base
from initbench.inits._conditions import BRANCHES, MULTIPLIERS, NO_NORMALIZATION, RECTIFIERS
from initbench.inits._draw import Distribution
from initbench.inits._residual import fill_branches, he_times
from initbench.sites import Site


class Fixup(_base.Init):
    """He's weights, scaled by the number of branches, and zeros where a branch or the network ends."""

    formula: ClassVar[str] = "Var(W) = 2 / (fan_in L^(1 / (m - 1))) in branches, W = 0 at their ends and at the output"
    suits: ClassVar[str] = "deep residual networks without normalization layers"
    requires: ClassVar = (BRANCHES,)
    assumes: ClassVar = (MULTIPLIERS, NO_NORMALIZATION, RECTIFIERS)

    distribution: Distribution = Field(default="normal", description="shape of the distribution; its variance is kept")
    zero_output: bool = Field(default=True, description="start the output layer at zero")

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw the weights; set factors to 1 and biases to 0."""
        fill_branches(self, network, context, he_times(self._factor, self.distribution), multiplier=1.0)

    def _factor(self, site: Site) -> float:
        if site.ends_branch or (site.is_output and self.zero_output):
            return 0.0
        if site.branch is None:
            return 1.0
        return float(site.branch.count ** (-1 / (2 * site.branch.length - 2)))
