"""PyTorch's default: what ``nn.Linear`` and ``nn.Conv2d`` hold when nobody initializes them.

Weights come from ``kaiming_uniform_(a=√5)``, which works out to U(±1/√fan_in), variance 1 / (3 fan_in), and biases from
the same interval. The √5 has no derivation: it keeps the numbers of the Lua version. A ReLU layer then divides the
signal's second moment by six, and only the biases keep a deep network from fading out altogether.

``torch.nn.Linear.reset_parameters`` and ``torch.nn.modules.conv._ConvNd.reset_parameters``, PyTorch 2.
"""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Generator, Tensor, nn

from initbench.inits import _base, _draw
from initbench.sites import Site


class TorchDefault(_base.Init):
    """Weights and biases from U(±1/√fan_in)."""

    aliases: ClassVar = {"pytorch_default": {}}
    formula: ClassVar[str] = "W, b ~ U(±1/√fan_in), Var(W) = 1 / (3 fan_in)"
    suits: ClassVar[str] = "shallow networks and networks with normalization layers"

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw weights and biases from the interval of their layer."""
        _base.fill_sites(network, context, _weight, _bias)


def _weight(site: Site, rng: Generator) -> Tensor:
    return _draw.uniform(_bound(site), site.shape, rng)


def _bias(site: Site, rng: Generator) -> Tensor:
    return _draw.uniform(_bound(site), (_base.bias_length(site),), rng)


def _bound(site: Site) -> float:
    # PyTorch reads its fan_in off the shape, which for transposed convolutions is that of the output channels.
    return 1 / math.sqrt(math.prod(site.shape[1:]))
