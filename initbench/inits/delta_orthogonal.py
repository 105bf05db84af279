"""Delta-orthogonal initialization: convolutions that start as one random rotation of the channels at every position.

The kernel is zero but for its center, which holds a semi-orthogonal matrix times the gain. With at least as many
outputs as inputs, stride 1 and gain 1 the convolution keeps the norm of every image exactly, whatever the padding; with
fewer outputs it is a projection. Groups get a matrix each. Linear layers start semi-orthogonal.

Xiao, Bahri, Sohl-Dickstein, Schoenholz and Pennington, "Dynamical Isometry and a Mean Field Theory of CNNs: How to
Train 10,000-Layer Vanilla Convolutional Neural Networks", 2018, section 2.4, algorithm 2.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._conditions import CONVOLUTIONS
from initbench.inits._draw import Gain, at_center, semi_orthogonal_groups
from initbench.sites import Site


class DeltaOrthogonal(_base.PerWeightInit):
    """A semi-orthogonal matrix at the center of each kernel, times the gain."""

    formula: ClassVar[str] = "W[center] = gain Q, Q semi-orthogonal; W = 0 elsewhere"
    suits: ClassVar[str] = "very deep plain convolutional networks, tanh with a gain near 1 above all"
    assumes: ClassVar = (CONVOLUTIONS,)

    gain: Gain = 1.0

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw a matrix for each group and place it at the center of the kernel."""
        return at_center(self.gain * semi_orthogonal_groups(site, rng), site)
