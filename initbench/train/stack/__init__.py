"""Stacks: R networks that differ in their weights alone, trained in lock-step as one model.

Every parameter is one leaf tensor of shape [R, …], so an element-wise optimizer steps all replicas at once, and no
replica can touch another.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from initbench.seeding import generator
from initbench.train.stack._base import Stack
from initbench.train.stack.batched import BatchedStack, Unbatchable
from initbench.train.stack.looped import LoopedStack

__all__ = ["BatchedStack", "LoopedStack", "Stack", "stack"]


def stack(networks: Sequence[nn.Module], sample: Tensor) -> Stack:
    """The networks as one stack: batched where every layer is known, looped where one is not.

    ``sample`` is a batch [N, *input shape] with N ≥ 2. A module's own Python may mix samples or axes in ways that no
    graph shows, so the batched form must reproduce the loop on it; if it does not, the loop is taken.
    """
    try:
        batched = BatchedStack(networks, sample)
        return batched if _batches_faithfully(networks, sample) else LoopedStack(networks)
    except Unbatchable:
        return LoopedStack(networks)


def _batches_faithfully(networks: Sequence[nn.Module], sample: Tensor) -> bool:
    """Whether both forms agree for networks of this structure.

    They are compared on two replicas with weights of their own, and in float64: with those of a scheme the answer could
    hide behind zeros, or drown where a chaotic network amplifies rounding, and would differ between schemes.
    """
    tame = [_tamed(network, seed) for seed, network in enumerate((networks[0], networks[-1]))]
    x = sample.cpu().double().unsqueeze(0)
    batched, looped = BatchedStack(tame, x[0]), LoopedStack(tame)
    try:
        with batched.evaluating(), looped.evaluating():
            ours, theirs = batched.forward(x), looped.forward(x)
    except RuntimeError:  # shapes that do not fit
        return False
    if ours.shape != theirs.shape:
        return False
    scale = theirs.abs().amax(dim=(1, 2), keepdim=True)
    return torch.allclose(ours / scale, theirs / scale, atol=torch.finfo(theirs.dtype).eps ** 0.5, equal_nan=True)


def _tamed(network: nn.Module, seed: int) -> nn.Module:
    """A copy in float64 with LeCun-normal weights, and biases, scales and slopes between 1/2 and 1."""
    tame = copy.deepcopy(network).cpu().double()
    rng = generator(seed, "stack check")
    with torch.no_grad():
        for p in tame.parameters():
            drawn = torch.rand(p.shape, generator=rng) / 2 + 0.5
            if p.dim() > 1:
                drawn = torch.randn(p.shape, generator=rng) / p[0].numel() ** 0.5
            p.copy_(drawn)
    return tame
