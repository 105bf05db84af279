"""Depth-scaled residual initialization: He's weights, and 1 / √L of them where one of L branches ends.

With He's weights each branch adds as much variance as the signal has, which doubles it: 2^L in all. Dividing by √L
leaves (1 + 1 / L)^L < e at any depth. Transformers know the rule from GPT-2; it needs no parameters of its own.

Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, section 2.3; Hayou et al., "Stable ResNet",
2021, section 3.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field
from torch import nn

from initbench.inits import _base
from initbench.inits._conditions import BRANCHES, RECTIFIERS
from initbench.inits._draw import Distribution
from initbench.inits._residual import fill_branches, he_times
from initbench.sites import Site


class DepthScaled(_base.Init):
    """He's weights, the last of each branch divided by √L."""

    formula: ClassVar[str] = "Var(W) = 2 / fan_in, and 2 / (L fan_in) in the last layer of each branch"
    suits: ClassVar[str] = "residual networks of any depth, without parameters of the scheme's own"
    requires: ClassVar = (BRANCHES,)
    assumes: ClassVar = (RECTIFIERS,)

    distribution: Distribution = Field(default="normal", description="shape of the distribution; its variance is kept")

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw the weights; set factors, where the network has some, to 1."""
        fill_branches(self, network, context, he_times(_factor, self.distribution), multiplier=1.0)


def _factor(site: Site) -> float:
    return 1 / math.sqrt(site.branch.count) if site.branch and site.ends_branch else 1.0
