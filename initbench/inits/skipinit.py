"""SkipInit: residual branches behind a trained factor that starts at zero, or at 1 / √L.

Normalization keeps a deep residual network trainable because it shrinks each branch against the sum, by about 1 / √L in
the L-th block. A factor that starts at zero does the same: the network starts as the identity and lets each branch in
as it learns. Weights are He's.

De and Smith, "Batch Normalization Biases Residual Blocks Towards the Identity Function in Deep Networks", 2020,
section 4.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from pydantic import Field
from torch import nn

from initbench.inits import _base
from initbench.inits._conditions import BRANCHES, MULTIPLIERS, NO_NORMALIZATION, RECTIFIERS
from initbench.inits._draw import Distribution
from initbench.inits._residual import fill_branches, he_times


class SkipInit(_base.Init):
    """He's weights, and a factor on each branch that is 0 or 1 / √L."""

    formula: ClassVar[str] = "Var(W) = 2 / fan_in, and α = 0 (or 1 / √L) in x + α F(x)"
    suits: ClassVar[str] = "deep residual networks without normalization layers"
    requires: ClassVar = (BRANCHES, MULTIPLIERS)
    assumes: ClassVar = (NO_NORMALIZATION, RECTIFIERS)

    alpha: Literal["zero", "inverse_root_depth"] = Field(
        default="zero", description="factor on each branch at first: 0, or 1 / √L for L branches"
    )
    distribution: Distribution = Field(default="normal", description="shape of the distribution; its variance is kept")

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw the weights, then set the factors."""
        branches = max((site.branch.count for site in context.sites if site.branch), default=1)
        alpha = 0.0 if self.alpha == "zero" else 1 / math.sqrt(branches)
        fill_branches(self, network, context, he_times(lambda _site: 1.0, self.distribution), multiplier=alpha)
