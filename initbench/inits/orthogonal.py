"""Orthogonal initialization: a random rotation for every layer, so that a linear network keeps every direction.

All singular values of the weight equal the gain: a deep linear network then learns in a time that does not depend on
its depth. The matrix comes from the Haar measure (QR decomposition of Gaussian entries, signs fixed by the diagonal
of R). Its entries have variance gain² / max(rows, columns).

A convolution kernel is flattened to [first axis, rest] as PyTorch does. The flat matrix is orthogonal, but the
convolution is no isometry: its singular values spread from near 0 to about 2. ``delta_orthogonal`` is one.

Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
2014, section 3.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from initbench.inits import _base
from initbench.inits._draw import Gain
from initbench.sites import Site


class Orthogonal(_base.PerWeightInit):
    """A random matrix with orthonormal rows or columns, times the gain."""

    formula: ClassVar[str] = "W Wᵀ = gain² I, or Wᵀ W = gain² I, whichever is the smaller"
    suits: ClassVar[str] = "deep linear and tanh networks, recurrent weights; with gain √2 also ReLU"

    gain: Gain = 1.0

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw a semi-orthogonal matrix."""
        return nn.init.orthogonal_(torch.empty(site.shape), gain=self.gain, generator=rng)
