"""Per-layer statistics of a stack on the probe batch, for all replicas at once.

For a layer with pre-activation z and activation a = φ(z), over the probe batch and the units of the layer:

- *pre-activation mean and variance* are those of z, *activation mean, variance and second moment* those of a (a layer
  that no activation follows has a = z); for ReLU the variance and the second moment differ (gains 1.713 and √2);
- *gradient mean and variance* are those of ∂(Σᵢ lossᵢ)/∂z, the sum over samples, whatever the size of the batch;
- *weight-gradient variance and norm* are those of the gradient of the mean loss, as training sees it;
- *dead fraction* is the share of units (channels, for images) whose activation is the same for every probe sample;
- *unit diversity* is the share of the weights' second moment in which the units (output channels) of a layer differ:
  0 where all have the same incoming weights, near 1 for independent draws;
- *saturated fraction* is the share of what enters φ (z, or what a normalization or a residual sum made of it) where
  |φ'| is below 5 % of its maximum.

Variances are of the population. Moments are accumulated in float64: a 50-layer default-initialised ReLU network has
variances near 1e-39, whose roots float32 still holds, but not their squares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initbench.activations import Activation
from initbench.datasets import Split, Task
from initbench.sites import Site
from initbench.train.objective import sample_losses
from initbench.train.stack import Stack
from initbench.train.trace import Trace

Statistics = dict[str, NDArray[np.float64]]
"""A column of the ``layers`` table for each name, as an array [layers, R]."""


@dataclass(frozen=True)
class Probe:
    """What to measure on: the sites of the network and the probe batch, x [1, N, …] and y [1, N, …]."""

    sites: tuple[Site, ...]
    batch: Split
    task: Task

    def measure(self, stack: Stack) -> Statistics:
        """The statistics of every layer, in execution order. Parameters, gradients and buffers stay as they were."""
        trace = Trace()
        with stack.measuring():
            losses = sample_losses(stack.forward(self.batch.x, trace), self.batch.y, self.task)
            layers = [trace.signals[site.layer] for site in self.sites]
            signals = [piece for layer in layers for piece in layer.preactivations]
            weights = [stack.parameters[site.weight] for site in self.sites]
            # Before buffers are put back: the backward pass of normalization reads them.
            gradients = iter(torch.autograd.grad(losses.sum(), [*signals, *weights]))
        columns = []
        with torch.no_grad():
            for site, layer in zip(self.sites, layers, strict=True):
                z = _joined(layer.preactivations)
                a = _joined(layer.activations) if layer.activations else z
                gradient = _joined([next(gradients) for _ in layer.preactivations])
                column = _signal_statistics(z, a, gradient)
                entering = _joined(layer.entering) if layer.entering else z
                column["saturated_fraction"] = _saturated_fraction(entering, self._active_intervals[site.after])
                columns.append(column)
            samples = len(self.batch.y[0])
            for site, column, weight, gradient in zip(self.sites, columns, weights, gradients, strict=True):
                column.update(_weight_statistics(weight, stack.unit_axis(site.weight)))
                column.update(_weight_gradient_statistics(gradient, samples))
        return {
            name: torch.stack([column[name] for column in columns]).cpu().numpy().astype(np.float64)
            for name in columns[0]
        }

    @cached_property
    def _active_intervals(self) -> dict[Activation | None, tuple[float, float]]:
        everywhere = (-math.inf, math.inf)
        return {after: after.active_interval if after else everywhere for after in {site.after for site in self.sites}}


def first_bad_layer(statistics: Statistics, sites: Sequence[Site], replica: int, limit: float = 1e6) -> str | None:
    """The first layer whose signal is not finite, or a thousand times the unit scale of the inputs (variance 1e6)."""
    for index, site in enumerate(sites):
        value = statistics["preact_variance"][index, replica]
        if not math.isfinite(value) or value > limit:
            return site.layer
    return None


def _signal_statistics(z: Tensor, a: Tensor, gradient: Tensor) -> dict[str, Tensor]:
    preact_mean, preact_variance = _moments(z)
    activation_mean, activation_variance = (preact_mean, preact_variance) if a is z else _moments(a)
    grad_mean, grad_variance = _moments(gradient)
    return {
        "preact_mean": preact_mean,
        "preact_variance": preact_variance,
        "activation_mean": activation_mean,
        "activation_variance": activation_variance,
        "activation_second_moment": activation_variance + activation_mean.square(),
        "dead_fraction": _dead_fraction(a),
        "grad_mean": grad_mean,
        "grad_variance": grad_variance,
    }


def _weight_statistics(weight: Tensor, units: int) -> dict[str, Tensor]:
    """``units`` is the axis along which the units lie."""
    mean, centred = _centred(weight)
    variance = _variance(centred)
    common = (centred.view(weight.shape).mean(dim=units).flatten(1) + mean.unsqueeze(1)).square().mean(dim=1)
    second_moment = variance + mean.square()
    return {
        "weight_mean": mean,
        "weight_std": variance.sqrt(),
        "unit_diversity": torch.where(second_moment > 0, 1 - common / second_moment, 0.0).clamp(min=0),
    }


def _weight_gradient_statistics(total: Tensor, samples: int) -> dict[str, Tensor]:
    """Of the gradient of the mean loss, from that of the sum over ``samples``."""
    mean, centred = _centred(total)
    mean, variance = mean / samples, _variance(centred) / samples**2
    return {
        "weight_grad_variance": variance,
        "weight_grad_norm": (total[0].numel() * (variance + mean.square())).sqrt(),
    }


def _joined(pieces: list[Tensor]) -> Tensor:
    """All replicas in one tensor, [R, …]; a copy only where they came one by one."""
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def _moments(values: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance of each replica, [R] in float64."""
    mean, centred = _centred(values)
    return mean, _variance(centred)


def _centred(values: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of each replica, [R], and the values without it, [R, count], in float64."""
    # A contiguous copy in any dtype: the values are not ours, and images come with their axes transposed.
    centred = torch.empty(values.shape, dtype=torch.float64, device=values.device).copy_(values).flatten(1)
    mean = centred.mean(dim=1)
    return mean, centred.sub_(mean.unsqueeze(1))


def _variance(centred: Tensor) -> Tensor:
    """The variance of each replica; in one pass over uncentred values it would cancel where the mean is large."""
    norm: Tensor = torch.linalg.vector_norm(centred, dim=1)
    return norm.square() / centred.shape[1]


def _dead_fraction(a: Tensor) -> Tensor:
    over = (1, *range(3, a.dim()))  # samples and, in images, positions
    return (a.amax(dim=over) == a.amin(dim=over)).double().mean(dim=1)


def _saturated_fraction(z: Tensor, active: tuple[float, float]) -> Tensor:
    low, high = active
    share = torch.zeros(len(z), dtype=torch.float64, device=z.device)
    if low > -math.inf:
        share = share + _share(torch.le, z, low)
    if high < math.inf:
        share = share + _share(torch.ge, z, high)
    return share


def _share(compare: Callable[..., Tensor], z: Tensor, bound: float) -> Tensor:
    """The share of each replica's values for which a comparison holds, [R] in float64."""
    # Into the values' own dtype: comparing into bools and counting those takes four times as long.
    held = compare(z, bound, out=torch.empty(z.shape, dtype=z.dtype, device=z.device)).flatten(2)
    return held.sum(dim=2).sum(dim=1, dtype=torch.float64) / held[0].numel()
