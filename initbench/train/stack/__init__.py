"""Stacks: R networks that differ in their weights alone, trained in lock-step as one model.

Every parameter is one leaf tensor of shape [R, …], so an element-wise optimizer steps all replicas at once, and no
replica can touch another.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from initbench.train.stack._base import Stack
from initbench.train.stack.batched import BatchedStack, Unbatchable
from initbench.train.stack.looped import LoopedStack

__all__ = ["BatchedStack", "LoopedStack", "Stack", "stack"]


def stack(networks: Sequence[nn.Module], sample: Tensor) -> Stack:
    """The networks as one stack: batched where every layer is known, looped where one is not.

    ``sample`` is a batch [N, *input shape] with N ≥ 2. The batched form must reproduce the loop on it, in float64 and
    before any training: a module's own Python may mix samples or axes in ways that no graph shows, and is then looped.
    """
    try:
        batched = BatchedStack(networks, sample)
    except Unbatchable:
        return LoopedStack(networks)
    return batched if _agree(batched, LoopedStack(networks), sample) else LoopedStack(networks)


def _agree(batched: BatchedStack, looped: LoopedStack, sample: Tensor) -> bool:
    x = sample.unsqueeze(0)
    try:
        with batched.evaluating(), looped.evaluating():
            ours, theirs = batched.forward(x), looped.forward(x)
    except RuntimeError:  # shapes that do not fit
        return False
    if ours.shape != theirs.shape:
        return False
    scale = theirs.abs().amax(dim=(1, 2), keepdim=True)
    tolerance = torch.finfo(theirs.dtype).eps ** 0.5
    return torch.allclose(ours / scale, theirs / scale, atol=tolerance, equal_nan=True)
