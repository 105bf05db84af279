"""Zero-mean distributions by their standard deviation, and weights by the units that read through them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor, nn

from initbench.sites import Site

Distribution = Literal["normal", "uniform", "truncated_normal"]
Gain = Annotated[float, Field(gt=0, description="factor on the weights")]

TRUNCATED_STD = 0.8796256610342398
"""Standard deviation of N(0, 1) cut off at ±2: √(1 - 4 φ(2) / (2 Φ(2) - 1))."""


def draw(distribution: Distribution, *, std: float, shape: tuple[int, ...], rng: Generator) -> Tensor:
    """Independent samples with mean 0 and standard deviation ``std``, whatever the distribution.

    The uniform one spans ±√3 std. The truncated normal is cut off at two standard deviations of its parent, whose own
    standard deviation is widened to std / 0.8796 to make up for the tails (as Keras and JAX do, and PyTorch does not).
    """
    if distribution == "uniform":
        return uniform(math.sqrt(3) * std, shape, rng)
    if distribution == "truncated_normal":
        parent = std / TRUNCATED_STD
        return nn.init.trunc_normal_(torch.empty(shape), std=parent, a=-2 * parent, b=2 * parent, generator=rng)
    return torch.randn(shape, generator=rng) * std


def uniform(bound: float, shape: tuple[int, ...], rng: Generator) -> Tensor:
    """Independent samples from U(-bound, bound)."""
    return (torch.rand(shape, generator=rng) * 2 - 1) * bound


def distribution_aliases(*names: str) -> Mapping[str, Mapping[str, Distribution]]:
    """The aliases ``he_normal``, ``he_uniform`` and ``he_truncated_normal`` for each name such as ``he``."""
    distributions: tuple[Distribution, ...] = ("normal", "uniform", "truncated_normal")
    return {
        f"{name}_{distribution}": {"distribution": distribution} for name in names for distribution in distributions
    }


def from_units(rows: Tensor, site: Site) -> Tensor:
    """A weight of shape ``site.shape`` from one row of incoming weights for each output unit: [units, fan_in].

    Transposed convolutions store their input channels first, so that a unit's weights are no row of the tensor.
    """
    if site.kind != "conv_transpose":
        return rows.reshape(site.shape)
    channels_in, out_per_group, *kernel = site.shape
    by_group = rows.reshape(site.groups, out_per_group, channels_in // site.groups, *kernel)
    return by_group.transpose(1, 2).reshape(site.shape)


def semi_orthogonal_groups(site: Site, rng: Generator) -> Tensor:
    """A Haar-distributed semi-orthogonal matrix for each group, one below the other: [shape[0], shape[1]]."""
    rows, columns = site.shape[0] // site.groups, site.shape[1]
    matrices = [nn.init.orthogonal_(torch.empty(rows, columns), generator=rng) for _ in range(site.groups)]
    return torch.cat(matrices)


def at_center(matrix: Tensor, site: Site) -> Tensor:
    """A weight that is zero but for ``matrix`` [shape[0], shape[1]] at the center of the kernel (linear: just it)."""
    weight = torch.zeros(site.shape)
    center: tuple[slice | int, ...] = (slice(None), slice(None), *(side // 2 for side in site.shape[2:]))
    weight[center] = matrix
    return weight
