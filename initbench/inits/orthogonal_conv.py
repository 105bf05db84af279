"""Orthogonal convolutions: kernels of full extent that keep the norm of every image.

A projection P splits the channels in two; moving one half a position along an axis, K ↦ K · (P + (1 - P) shift), is an
isometry. Starting from a semi-orthogonal matrix and applying size - 1 such steps with random P along each axis fills a
kernel of the given size. With at least as many outputs as inputs, stride 1, gain 1 and circular padding the convolution
is an exact isometry (zero padding loses a little at the border); with fewer outputs it is a projection. Groups get a
kernel each. Linear layers start semi-orthogonal. ``orthogonal`` flattens the kernel instead, and keeps no norm.

Xiao, Bahri, Sohl-Dickstein, Schoenholz and Pennington, "Dynamical Isometry and a Mean Field Theory of CNNs", 2018,
section 2.4, algorithm 1; after Kautsky and Turcajová, "A matrix approach to discrete wavelets", 1994.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from initbench.inits import _base
from initbench.inits._conditions import CONVOLUTIONS
from initbench.inits._draw import Gain, semi_orthogonal_groups
from initbench.sites import Site


class OrthogonalConv(_base.PerWeightInit):
    """A random kernel that is an isometry, times the gain."""

    formula: ClassVar[str] = "W = gain K with ‖K * x‖ = ‖x‖ for every image x (circular padding)"
    suits: ClassVar[str] = "very deep plain convolutional networks, with more mixing of positions than delta_orthogonal"
    assumes: ClassVar = (CONVOLUTIONS,)

    gain: Gain = 1.0

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw a kernel, group by group."""
        matrices = semi_orthogonal_groups(site, rng).chunk(site.groups)
        kernels = [_kernel(matrix, site.shape[2:], rng) for matrix in matrices]
        return self.gain * torch.cat(kernels)


def _kernel(matrix: Tensor, size: tuple[int, ...], rng: Generator) -> Tensor:
    """A kernel [rows, columns, *size] whose convolution has the singular values of ``matrix`` [rows, columns]."""
    kernel = matrix.reshape(*(1 for _ in size), *matrix.shape)
    for axis, side in enumerate(size):
        for _ in range(side - 1):
            projection = _projection(matrix.shape[1], rng)
            stays, moves = kernel @ projection, kernel - kernel @ projection
            edge = torch.zeros_like(kernel.narrow(axis, 0, 1))
            kernel = torch.cat([stays, edge], axis) + torch.cat([edge, moves], axis)
    return kernel.movedim((-2, -1), (0, 1))


def _projection(channels: int, rng: Generator) -> Tensor:
    """The orthogonal projection onto a random half of the channels."""
    basis = nn.init.orthogonal_(torch.empty(channels, channels), generator=rng)[:, : channels // 2]
    return basis @ basis.T
