"""Layers of this package's own, for what the standard ones cannot say: where randomness comes from.

Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor, nn

from initbench.seeding import generator


class Dropout(nn.Module):
    """Inverted dropout whose masks come from a generator of its own, never from the global one.

    In training each value is zeroed with probability ``rate`` and the others are divided by 1 - rate; in evaluation
    nothing happens. ``generator`` stays on the CPU, so that masks are the same on every device.
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate
        self.generator: Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Drop values of x, or hand it on."""
        return x * self.mask(x.shape, x) if self.training else x

    def mask(self, shape: Sequence[int], like: Tensor) -> Tensor:
        """The next factors: 0 or 1 / (1 - rate), in the dtype and on the device of ``like``."""
        if self.generator is None:
            raise RuntimeError("a dropout layer needs a generator before it can train; see seed_dropout")
        kept = torch.rand(tuple(shape), generator=self.generator) >= self.rate
        return kept.to(like.device, like.dtype) / (1 - self.rate)

    def extra_repr(self) -> str:
        """The probability."""
        return f"rate={self.rate}"


def seed_dropout(network: nn.Module, seed: int) -> None:
    """Give each dropout layer a stream that depends on the seed and the layer's name alone."""
    for name, module in network.named_modules():
        if isinstance(module, Dropout):
            module.generator = generator(seed, "dropout", name)
