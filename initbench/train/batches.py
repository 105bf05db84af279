"""The order of training samples: index batches in memory, decided by the data seed alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from initbench.datasets import Split
from initbench.seeding import generator


class Batches:
    """The batches of R replicas. Every epoch is a fresh permutation; what does not fill a batch waits for the next.

    A replica's batches depend on its data seed and on the epoch, never on its scheme, so comparisons are paired.
    """

    def __init__(self, split: Split, data_seeds: Sequence[int], batch_size: int) -> None:
        self._split = split
        self._distinct = sorted(set(data_seeds))
        self._owner = None if len(self._distinct) == 1 else [self._distinct.index(seed) for seed in data_seeds]
        self._batch_size = batch_size
        self._epoch = -1
        self._order = torch.empty(0)
        self.per_epoch = len(split.x) // batch_size

    def __getitem__(self, step: int) -> Split:
        """The batch of one step: x [G, N, …] and y [G, N, …], where G is 1 if all replicas share it, else R."""
        epoch, position = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._permutations(epoch)
        return Split(x=self._rows(self._split.x, position), y=self._rows(self._split.y, position))

    def _rows(self, source: Tensor, position: int) -> Tensor:
        index = self._order[position]
        return source.index_select(0, index.flatten()).view(*index.shape, *source.shape[1:])

    def _permutations(self, epoch: int) -> Tensor:
        """[batches, G, batch size]: the sample numbers of an epoch."""
        samples = self.per_epoch * self._batch_size
        orders = [
            torch.randperm(len(self._split.x), generator=generator(seed, "batches", str(epoch)))[:samples]
            for seed in self._distinct
        ]
        order = torch.stack(orders) if self._owner is None else torch.stack(orders)[self._owner]
        by_batch = order.view(-1, self.per_epoch, self._batch_size).transpose(0, 1).contiguous()
        return by_batch.to(self._split.x.device)
