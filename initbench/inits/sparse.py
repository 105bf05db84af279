"""Sparse initialization: a fixed number of inputs for every unit, however wide the layer below.

Each unit reads ``incoming`` inputs, chosen at random, through normal weights; its other weights are zero. The size of
its total input then does not depend on fan_in, and units differ from each other even when their inputs are alike. The
count is by unit, as in the paper; ``torch.nn.init.sparse_`` thins out the columns, the outgoing weights, instead.

Martens, "Deep learning via Hessian-free optimization", 2010, section 5 (15 inputs); with unit variance in Sutskever,
Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning", 2013, section 3.1.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._draw import from_units
from initbench.sites import Site


class Sparse(_base.PerWeightInit):
    """N(0, std²) for a few weights of each unit, zero for the others."""

    formula: ClassVar[str] = "W has `incoming` non-zero weights per unit, each ~ N(0, std²)"
    suits: ClassVar[str] = "sigmoid and tanh networks trained with strong momentum or second-order methods"

    incoming: int = Field(default=15, ge=1, description="non-zero weights of each unit (all, where it has fewer)")
    std: float = Field(default=1.0, gt=0, description="standard deviation of the non-zero weights")

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw values for every weight, then keep a random choice of each unit's."""
        shape = (_base.bias_length(site), site.fan_in)
        values = torch.randn(shape, generator=rng) * self.std
        kept = torch.rand(shape, generator=rng).argsort(dim=1)[:, : self.incoming]
        return from_units(torch.zeros(shape).scatter(1, kept, values), site)
