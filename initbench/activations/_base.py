"""What an activation is: a pointwise function whose gains follow from Gaussian expectations."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from initbench import theory
from initbench.component import Component

Array = NDArray[np.float64]


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
            return np.asarray(self(torch.from_numpy(x)).numpy(), dtype=np.float64)

    def slopes(self, x: Array) -> Array:
        """φ' on a float64 array, by automatic differentiation."""
        leaf = torch.from_numpy(x).clone().requires_grad_(True)
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
