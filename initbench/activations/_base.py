"""What an activation is: a pointwise function whose gains follow from Gaussian expectations."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from initbench import theory
from initbench.component import Component

Array = NDArray[np.float64]

SATURATED_SLOPE = 0.05  # of the steepest slope; below it a unit passes almost no gradient
SEARCHED = 100.0  # slopes are looked at within ±100, far beyond any healthy pre-activation


class Activation(Component, ABC):
    """A pointwise function φ. The gains hold at unit Gaussian input, z ~ N(0, 1)."""

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """φ(x), element by element, differentiable, in the dtype of ``x``."""

    @abstractmethod
    def layer(self) -> nn.Module:
        """A new layer that applies φ (and trains its parameters, where it has any)."""

    def values(self, x: Array) -> Array:
        """φ on a float64 array: the form in which the theory asks for it."""
        with torch.no_grad():
            return np.asarray(self(_tensor(x)).numpy(), dtype=np.float64)

    def slopes(self, x: Array) -> Array:
        """φ' on a float64 array, by automatic differentiation."""
        leaf = _tensor(x).requires_grad_()
        with torch.enable_grad():  # callers may measure under no_grad
            (slope,) = torch.autograd.grad(self(leaf).sum(), leaf)
        return np.asarray(slope.numpy(), dtype=np.float64)

    @property
    def gain(self) -> float:
        """1/√E[φ(z)²]: the factor on LeCun's weights that keeps the second moment of the signal."""
        return theory.gain(self.values)

    @property
    def std_gain(self) -> float:
        """1/√Var[φ(z)], the gain of NFNets (Brock et al. 2021); it differs from ``gain`` where φ has a mean."""
        return theory.std_gain(self.values)

    @property
    def gradient_gain(self) -> float:
        """1/√E[φ'(z)²]: the factor that keeps the second moment of the gradient."""
        return theory.gain(self.slopes)

    @property
    def active_interval(self) -> tuple[float, float]:
        """The smallest interval outside which |φ'| stays below 5 % of its largest value: out there a unit is saturated.

        (-inf, inf) for the identity, (0, inf) for ReLU, ±2.178 for tanh. An end is infinite where the slope has not
        fallen off by |x| = 100; a finite one is exact to 1e-9.
        """
        grid = np.linspace(-SEARCHED, SEARCHED, 20_001)
        slopes = np.abs(self.slopes(grid))
        level = SATURATED_SLOPE * slopes.max()
        steep = np.flatnonzero(slopes >= level)
        first, last = int(steep[0]), int(steep[-1])
        low = -math.inf if first == 0 else self._crossing(grid[first], grid[first - 1], level)
        high = math.inf if last == len(grid) - 1 else self._crossing(grid[last], grid[last + 1], level)
        return low, high

    def _crossing(self, steep: float, flat: float, level: float) -> float:
        """Where |φ'| falls below ``level`` between a steep point and a flat one, narrowed a thousandfold each round."""
        for _ in range(4):
            grid = np.linspace(steep, flat, 1001)
            last = int(np.flatnonzero(np.abs(self.slopes(grid)) >= level)[-1])
            steep, flat = float(grid[last]), float(grid[min(last + 1, 1000)])
        return round(steep, 9) + 0.0  # turns -0.0 into 0.0


class PointwiseActivation(Activation, ABC):
    """An activation without parameters of its own."""

    def layer(self) -> nn.Module:
        """A layer that calls this function."""
        return Pointwise(self)


class Pointwise(nn.Module):
    """A parameter-free activation as a layer of a network."""

    def __init__(self, activation: Activation) -> None:
        super().__init__()
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """φ(x)."""
        return self.activation(x)

    def extra_repr(self) -> str:
        """The activation's inline form."""
        return self.activation.label


def _tensor(x: Array) -> Tensor:
    """A tensor of its own memory, so that read-only and strided arrays are as welcome as any."""
    return torch.from_numpy(np.array(x, dtype=np.float64))
