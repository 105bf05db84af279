"""Normal initialization: one standard deviation for every layer, whatever its size.

The scheme of the networks before 2010 and of AlexNet. The signal's second moment changes by the factor fan_in · std²
in every linear layer, so that one value cannot suit layers of different widths.

Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012, section 5
(std 0.01).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.sites import Site


class Normal(_base.PerWeightInit):
    """N(mean, std²) in every layer."""

    aliases: ClassVar = {"gaussian": {}}
    formula: ClassVar[str] = "W ~ N(mean, std²)"
    suits: ClassVar[str] = "a baseline to beat, and shallow networks"

    std: float = Field(gt=0, description="standard deviation of the weights", examples=[0.01])
    mean: float = Field(default=0.0, description="mean of the weights")

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw from N(mean, std²)."""
        return torch.randn(site.shape, generator=rng) * self.std + self.mean
