"""What is minimised, and how well it went: losses and accuracies of every replica at once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from initbench.datasets import Task


def sample_losses(outputs: Tensor, y: Tensor, task: Task) -> Tensor:
    """The loss of each sample, [R, N]: cross-entropy in nats, or the squared error averaged over the target values.

    ``outputs`` is [R, N, outputs]; ``y`` is [G, N] class numbers or [G, N, outputs] values, with G = 1 or R.
    """
    replicas, samples = outputs.shape[:2]
    if task == "regression":
        return (outputs - y).square().mean(dim=2)
    classes = y.expand(replicas, -1).flatten()
    return functional.cross_entropy(outputs.flatten(0, 1), classes, reduction="none").view(replicas, samples)


def correct(outputs: Tensor, y: Tensor) -> Tensor:
    """How many samples of each replica have their class ranked first, [R]."""
    return (outputs.argmax(dim=2) == y).sum(dim=1)


def clip_gradients(parameters: list[Tensor], limit: float) -> None:
    """Scale each replica's gradient down to norm ``limit`` where it is above, each replica by its own norm.

    The rule of ``torch.nn.utils.clip_grad_norm_`` (Pascanu, Mikolov and Bengio 2013), replica by replica.
    """
    gradients = [p.grad for p in parameters if p.grad is not None]
    squares = torch.stack([g.flatten(1).square().sum(dim=1) for g in gradients])
    scale = (limit / (squares.sum(dim=0).sqrt() + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
