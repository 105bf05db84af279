"""Normalization between a weight layer and its activation.

Ioffe and Szegedy, "Batch Normalization", 2015; Ba, Kiros and Hinton, "Layer Normalization", 2016; Wu and He, "Group
Normalization", 2018, whose single group is layer normalization for images.
"""

from __future__ import annotations

from typing import Literal

from torch import nn

Norm = Literal["none", "batch", "layer"]


def norm_layers(norm: Norm, features: int, *, image: bool) -> tuple[nn.Module, ...]:
    """The layer that normalizes ``features`` units, or channels of an image; none for ``none``.

    Layer normalization of an image takes its statistics over channels and positions.
    """
    if norm == "batch":
        return (nn.BatchNorm2d(features) if image else nn.BatchNorm1d(features),)
    if norm == "layer":
        return (nn.GroupNorm(1, features) if image else nn.LayerNorm(features),)
    return ()


def needs_bias(norm: Norm) -> bool:
    """Whether a layer before this normalization has use for a bias: batch normalization subtracts it again."""
    return norm != "batch"
