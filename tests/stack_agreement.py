"""How far apart the batched and the looped form of one stack are: what tests of networks measure."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from initbench.datasets import Split
from initbench.seeding import generator
from initbench.sites import Site, survey
from initbench.train.objective import sample_losses
from initbench.train.probe import Probe
from initbench.train.stack import BatchedStack, LoopedStack, Stack

SAMPLES = 12


def batch(*shape: int, classes: int = 3, seed: int = 0) -> Split:
    """A batch that all replicas share, in float64: x [1, 12, *shape] and y [1, 12]."""
    rng = generator(seed, "test batch")
    x = torch.randn(1, SAMPLES, *shape, generator=rng, dtype=torch.float64)
    return Split(x=x, y=torch.randint(classes, (1, SAMPLES), generator=rng))


def networks(build: Callable[[], nn.Module], replicas: int = 3) -> list[nn.Module]:
    """Replicas in float64 with random weights, and every other parameter between 1/2 and 1, so that none hides."""
    made = []
    for seed in range(replicas):
        with torch.random.fork_rng(devices=[]):
            torch.random.manual_seed(seed)
            network = build().double()
        for name, value in network.named_parameters():
            drawn = torch.rand(value.shape, generator=generator(seed, "test", name), dtype=torch.float64) / 2 + 0.5
            if value.dim() > 1:
                drawn = torch.randn(value.shape, generator=generator(seed, "test", name), dtype=torch.float64)
                drawn /= value[0].numel() ** 0.5
            value.data = drawn
        made.append(network)
    return made


def steps(stack: Stack, data: Sequence[Split], lr: float = 0.05) -> list[Tensor]:
    """The losses [R, N] of each step of plain gradient descent."""
    losses = []
    for one in data:
        loss = sample_losses(stack.forward(one.x), one.y, "classification")
        losses.append(loss.detach())
        gradients = torch.autograd.grad(loss.mean(dim=1).sum(), list(stack.parameters.values()))
        with torch.no_grad():
            for value, gradient in zip(stack.parameters.values(), gradients, strict=True):
                value -= lr * gradient
    return losses


def probed(stack: Stack, sites: tuple[Site, ...], data: Split) -> np.ndarray:
    """Every statistic of every layer: [statistics, layers, R]."""
    return np.stack(list(Probe(sites, data, "classification").measure(stack).values()))


def largest_difference(made: Callable[[], list[nn.Module]], *shape: int) -> float:
    """The largest relative difference between both forms over three steps of training.

    Looked at are losses, parameters, running statistics, outputs in evaluation, and everything that a probe measures.
    ``made`` gives the networks anew for each form.
    """
    sample, data = batch(*shape), [batch(*shape, seed=seed) for seed in range(1, 4)]
    forms: list[Stack] = [BatchedStack(made(), sample.x[0]), LoopedStack(made())]
    sites = survey(made()[0], sample.x[0])
    seen: list[list[Tensor]] = []
    for form in forms:
        values = [*steps(form, data), torch.from_numpy(probed(form, sites, sample))]
        with form.evaluating():
            values.append(form.forward(sample.x))
        values += [form.state(replica)[name] for replica in range(form.replicas) for name in sorted(form.state(0))]
        seen.append(values)
    return max(float(_apart(ours, theirs)) for ours, theirs in zip(*seen, strict=True))


def _apart(ours: Tensor, theirs: Tensor) -> Tensor:
    assert ours.shape == theirs.shape
    scale = theirs.detach().abs().max().clamp(min=1e-3)
    return (ours.detach() - theirs.detach()).abs().max() / scale
