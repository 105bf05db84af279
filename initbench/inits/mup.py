"""µP: the maximal update parametrization's weights, whose best learning rate does not move with the width.

Hidden weights have variance gain² / fan_in, as with LeCun, and the output layer's base_width / fan_in²: its outputs
start small and shrink with the width, so that the features, which then all learn at the same pace, are not drowned.
At fan_in = base_width the scheme is LeCun's.

Left out: the other half of µP, learning rates for each kind of layer (for Adam, 1 / fan_in on hidden weights). A recipe
here has one rate for all parameters, so a rate that is tuned at one width moves to another only in part.

Yang, Hu, Babuschkin, Sidor, Liu, Farhi, Ryder, Pachocki, Chen and Gao, "Tensor Programs V: Tuning Large Neural Networks
via Zero-Shot Hyperparameter Transfer", 2022, table 3.
"""

from __future__ import annotations

import math
from typing import ClassVar

from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._draw import draw
from initbench.sites import Site


class MuP(_base.PerWeightInit):
    """LeCun's variance, and an output layer that shrinks with the width."""

    formula: ClassVar[str] = "Var(W) = gain² / fan_in; output layer: base_width / fan_in²"
    suits: ClassVar[str] = "wide networks whose recipe is tuned on a narrow one"

    gain: float = Field(default=1.0, gt=0, description="factor on the std of hidden weights; √2 suits ReLU")
    base_width: int = Field(default=128, ge=1, description="the width at which the output layer starts as LeCun's")

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw normal weights."""
        scale = math.sqrt(self.base_width / site.fan_in) if site.is_output else self.gain
        return draw("normal", std=scale / math.sqrt(site.fan_in), shape=site.shape, rng=rng)
