"""What a stack trains on: a standardised dataset in memory, with its probe batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from initbench.datasets import Spec, Split


@dataclass(frozen=True)
class Material:
    """The tensors of one dataset, the same for every trial on it."""

    spec: Spec
    train: Split
    test: Split
    probe: Split

    def to(self, device: torch.device, dtype: torch.dtype) -> Material:
        """The same on another device, with floating-point tensors in ``dtype``."""
        return self._each(lambda t: t.to(device, dtype if t.is_floating_point() else t.dtype))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them."""
        return tuple(t for split in (self.train, self.test, self.probe) for t in (split.x, split.y))

    @property
    def bytes(self) -> int:
        """The size of the tensors."""
        return sum(t.nbytes for t in self.tensors)

    def shared(self) -> Material:
        """The same in shared memory, which worker processes read without a copy of their own."""
        return self._each(lambda t: t.share_memory_())

    def _each(self, change: Callable[[Tensor], Tensor]) -> Material:
        def changed(split: Split) -> Split:
            return Split(x=change(split.x), y=change(split.y))

        return replace(self, train=changed(self.train), test=changed(self.test), probe=changed(self.probe))
