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

Variances are of the population, and hold where float32 does not (``moments``).
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
from initbench.train.moments import moments
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
        with torch.no_grad():
            z = [_joined(layer.preactivations) for layer in layers]
            a = [_joined(layer.activations) if layer.activations else own for layer, own in zip(layers, z, strict=True)]
            entering = [
                _joined(layer.entering) if layer.entering else own for layer, own in zip(layers, z, strict=True)
            ]
            gradient = [_joined([next(gradients) for _ in layer.preactivations]) for layer in layers]
            saturated = [
                _saturated_fraction(values, self._active_intervals[site.after])
                for values, site in zip(entering, self.sites, strict=True)
            ]
            measured = {
                **_signal_statistics(z, a, gradient),
                "dead_fraction": torch.stack([_dead_fraction(values) for values in a]),
                "saturated_fraction": torch.stack(saturated),
                **_weight_statistics(weights, [stack.unit_axis(site.weight) for site in self.sites]),
                **_weight_gradient_statistics(list(gradients), samples=len(self.batch.y[0])),
            }
        return {name: column.numpy() for name, column in measured.items()}

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


def _signal_statistics(z: Sequence[Tensor], a: Sequence[Tensor], gradient: Sequence[Tensor]) -> dict[str, Tensor]:
    mean, variance, _ = moments([*z, *a, *gradient])
    preact_mean, activation_mean, grad_mean = mean.chunk(3)
    preact_variance, activation_variance, grad_variance = variance.chunk(3)
    return {
        "preact_mean": preact_mean,
        "preact_variance": preact_variance,
        "activation_mean": activation_mean,
        "activation_variance": activation_variance,
        "activation_second_moment": activation_variance + activation_mean.square(),
        "grad_mean": grad_mean,
        "grad_variance": grad_variance,
    }


def _weight_statistics(weights: Sequence[Tensor], units: Sequence[int]) -> dict[str, Tensor]:
    """``units`` are the axes along which the units of each layer lie."""
    mean, variance, common = moments([_units_last(weight, axis) for weight, axis in zip(weights, units, strict=True)])
    second_moment = variance + mean.square()
    return {
        "weight_mean": mean,
        "weight_std": variance.sqrt(),
        "unit_diversity": torch.where(second_moment > 0, 1 - common / second_moment, 0.0).clamp(min=0),
    }


def _weight_gradient_statistics(totals: Sequence[Tensor], samples: int) -> dict[str, Tensor]:
    """Of the gradient of the mean loss, from that of the sum over ``samples``."""
    mean, variance, _ = moments(totals)
    mean, variance = mean / samples, variance / samples**2
    counts = torch.tensor([[total[0].numel()] for total in totals])
    return {
        "weight_grad_variance": variance,
        "weight_grad_norm": (counts * (variance + mean.square())).sqrt(),
    }


def _joined(pieces: list[Tensor]) -> Tensor:
    """All replicas in one tensor, [R, …]; a copy only where they came one by one."""
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces)


def _units_last(weight: Tensor, axis: int) -> Tensor:
    """A weight [R, …] as [R, inputs, units]."""
    return weight if weight.dim() == 3 and axis == 2 else weight.movedim(axis, -1).flatten(1, -2)


def _dead_fraction(a: Tensor) -> Tensor:
    """The share of each replica's units that never move, [R] in float64."""
    over = (1, *range(3, a.dim()))  # samples and, in images, positions
    return (a.amax(dim=over) == a.amin(dim=over)).cpu().double().mean(dim=1)


def _saturated_fraction(z: Tensor, active: tuple[float, float]) -> Tensor:
    low, high = active
    share = torch.zeros(len(z), dtype=torch.float64)
    if low > -math.inf:
        share = share + _share(torch.le, z, low)
    if high < math.inf:
        share = share + _share(torch.ge, z, high)
    return share


def _share(compare: Callable[..., Tensor], z: Tensor, bound: float) -> Tensor:
    """The share of each replica's values for which a comparison holds, [R] in float64."""
    # Into the values' own dtype: comparing into bools and counting those takes four times as long.
    held = compare(z, bound, out=torch.empty(z.shape, dtype=z.dtype, device=z.device)).flatten(2)
    return held.sum(dim=2).cpu().sum(dim=1, dtype=torch.float64) / held[0].numel()
