"""Layers of this package's own, for what the standard ones cannot say.

Schemes for residual networks must know where a branch begins and ends, so a residual sum is a layer here, and so are
the scalars that some of them add to it. Dropout is here for the sake of its randomness.

He et al., "Deep Residual Learning for Image Recognition", 2016; Zhang, Dauphin and Ma, "Fixup Initialization", 2019,
for the scalars; Srivastava et al., "Dropout", 2014.
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


class ResidualBlock(nn.Module):
    """x + branch(x)."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        """Add what the branch makes of x."""
        sum_: Tensor = x + self.branch(x)
        return sum_


class Scale(nn.Module):
    """A trained scalar factor, 1 at first."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply every value."""
        return self.weight * x


class Shift(nn.Module):
    """A trained scalar offset, 0 at first."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        """Add to every value."""
        return x + self.bias


class Recurrent(nn.Linear):
    """The square weights from one state to the next, a linear layer without bias."""

    def __init__(self, width: int) -> None:
        super().__init__(width, width, bias=False)


class TimeStep(nn.Module):
    """Marks what a recurrent network makes of its state at one time, for statistics; it hands its input on.

    ``layer`` is the path of the layer whose weights took part: those of the step are the same as at any other time.
    """

    def __init__(self, layer: str) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return x."""
        return x


class Segment(nn.Module):
    """Some neighbors of the features: [N, features] to [N, length]."""

    def __init__(self, start: int, length: int) -> None:
        super().__init__()
        self.start, self.length = start, length

    def forward(self, x: Tensor) -> Tensor:
        """Cut them out."""
        return x.narrow(-1, self.start, self.length)


def seed_dropout(network: nn.Module, seed: int) -> None:
    """Give each dropout layer a stream that depends on the seed and the layer's name alone."""
    for name, module in network.named_modules():
        if isinstance(module, Dropout):
            module.generator = generator(seed, "dropout", name)
