"""Row-normalized initialization: random directions, all units of a layer with incoming weights of the same norm.

A unit whose weights are g times a random unit vector has the second moment g² ‖x‖² / fan_in. ReLU halves it, so that
the squared norm of the whole layer is kept when g² = 2 fan_in / fan_out, and that of the gradient when g² = 2. The
paper derives these gains for weight-normalized layers; here they are the start of plain weights.

Arpit, Campos and Bengio, "How to Initialize your Network? Robust Initialization for WeightNorm & ResNets", 2019,
section 3.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional

from initbench.inits import _base
from initbench.inits._draw import from_units
from initbench.sites import Site


class RowNormalized(_base.PerWeightInit):
    """Incoming weights of norm g in a random direction."""

    formula: ClassVar[str] = "W has rows g v / ‖v‖ with v normal, g² = 2 fan_in / fan_out (forward) or 2 (backward)"
    suits: ClassVar[str] = "ReLU networks, narrow ones too, where the norms of random rows would scatter"

    keep: Literal["forward", "backward"] = Field(
        default="forward", description="keep the norm of the signal (forward) or of the gradient (backward)"
    )

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw directions and give each the same norm."""
        norm = math.sqrt(2 * site.fan_in / site.fan_out) if self.keep == "forward" else math.sqrt(2)
        directions = torch.randn(_base.bias_length(site), site.fan_in, generator=rng)
        return from_units(norm * functional.normalize(directions, dim=1), site)
