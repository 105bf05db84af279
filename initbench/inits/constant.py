"""Constant initialization: every weight alike, which no hidden layer recovers from.

The units of a layer then compute the same thing and receive the same gradient, step after step: the layer stays as
good as one unit. It shows why weights are random.

Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 8.4 (breaking the symmetry between units).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.sites import Site


class Constant(_base.PerWeightInit):
    """One value for every weight."""

    formula: ClassVar[str] = "W = value"
    suits: ClassVar[str] = "a demonstration of symmetry; nothing that should train"

    value: float = Field(description="the value of every weight", examples=[0.1])

    def weight(self, site: Site, _rng: Generator) -> Tensor:
        """Return the constant."""
        return torch.full(site.shape, self.value)
