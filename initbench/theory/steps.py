"""The steps a signal takes through a network, each with its laws forward and backward.

A step maps the ``Signal`` that enters to the one that leaves, and the ``Gradient`` with respect to what leaves to that
with respect to what entered. A kind of layer that theory can follow is one subclass of ``Step``; one that it cannot
follow is ``Opaque``, and from there on nothing is predicted.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import final

from initbench.theory.gaussian import expectation
from initbench.theory.quadrature import Function
from initbench.theory.signal import GAUSSIAN_DISPERSION, UNKNOWN_GRADIENT, UNKNOWN_SIGNAL, Gradient, Signal

MEAN_WITHIN = 5.0  # standard errors: more, and the weights do not have mean zero


class Step(ABC):
    """One layer, as mean-field theory sees it."""

    @abstractmethod
    def forward(self, entering: Signal) -> Signal:
        """The signal that leaves."""

    @abstractmethod
    def backward(self, gradient: Gradient, entering: Signal) -> Gradient:
        """The gradient with respect to ``entering``, given the gradient with respect to the signal that leaves."""


@final
@dataclass(frozen=True)
class Weights(Step):
    """A linear layer or convolution with independent weights of mean zero.

    ``fan_in`` is the number of inputs that one output reads, ``fan_out`` the mean number of outputs that read one input
    (for a convolution of stride s in each of k dimensions, kernel area · out_channels / groups / sᵏ), ``units`` the
    number of output units or channels. ``weight_mean`` and ``weight_variance`` are those of the weights as drawn;
    where the mean is further from zero than chance allows, the layer is not predicted.
    """

    fan_in: float
    fan_out: float
    units: int
    weight_variance: float
    bias_variance: float = 0.0
    weight_mean: float = 0.0

    def forward(self, entering: Signal) -> Signal:
        """Gaussian values of variance fan_in · Var(W) · E[x²] + Var(b)."""
        if not (entering.known and self._is_centered):
            return UNKNOWN_SIGNAL
        return Signal(
            second_moment=self.fan_in * self.weight_variance * entering.second_moment + self.bias_variance,
            gaussian=True,
            units=self.units,
            dispersion=GAUSSIAN_DISPERSION,
            log_variance=self._elasticity(entering) ** 2 * (entering.log_variance + entering.scatter),
        )

    def backward(self, gradient: Gradient, entering: Signal) -> Gradient:
        """Gaussian gradients of variance fan_out · Var(W) · Var(gradient)."""
        if not (gradient.known and entering.known and self._is_centered):
            return UNKNOWN_GRADIENT
        pull = self._elasticity(entering) * gradient.pull
        return Gradient(
            variance=self.fan_out * self.weight_variance * gradient.variance,
            units=entering.units,
            dispersion=GAUSSIAN_DISPERSION,
            log_variance=gradient.log_variance + gradient.scatter + pull**2 * entering.scatter,
            pull=pull,
        )

    @property
    def _is_centered(self) -> bool:
        standard_error = math.sqrt(self.weight_variance / (self.fan_in * self.units))
        return abs(self.weight_mean) <= MEAN_WITHIN * standard_error

    def _elasticity(self, entering: Signal) -> float:
        product = self.fan_in * self.weight_variance * entering.second_moment
        return product / (product + self.bias_variance) if product > 0 else 0.0


@final
@dataclass(frozen=True)
class Nonlinearity(Step):
    """An activation φ, given with its derivative as functions of float64 arrays; it needs a Gaussian signal."""

    phi: Function
    dphi: Function

    def forward(self, entering: Signal) -> Signal:
        """Values of mean E[φ(u)] and second moment E[φ(u)²]."""
        if not (entering.known and entering.gaussian):
            return UNKNOWN_SIGNAL
        std = math.sqrt(entering.second_moment)
        second = expectation(lambda u: self.phi(u) ** 2, std)
        return Signal(
            second_moment=second,
            mean=expectation(self.phi, std),
            units=entering.units,
            dispersion=_kurtosis(self.phi, second, std) - 1,
            log_variance=_elasticity(self.phi, second, std) ** 2 * entering.log_variance,
        )

    def backward(self, gradient: Gradient, entering: Signal) -> Gradient:
        """Gradients of variance E[φ'(u)²] · Var(gradient)."""
        if not (gradient.known and entering.known and entering.gaussian):
            return UNKNOWN_GRADIENT
        std = math.sqrt(entering.second_moment)
        value = expectation(lambda u: self.phi(u) ** 2, std)
        slope = expectation(lambda u: self.dphi(u) ** 2, std)
        return replace(
            gradient,
            variance=slope * gradient.variance,
            units=entering.units,
            dispersion=(gradient.dispersion + 1) * _kurtosis(self.dphi, slope, std) - 1,
            pull=_elasticity(self.dphi, slope, std) + _elasticity(self.phi, value, std) * gradient.pull,
        )


@final
@dataclass(frozen=True)
class Opaque(Step):
    """A layer that theory cannot follow."""

    def forward(self, _entering: Signal) -> Signal:
        """No prediction."""
        return UNKNOWN_SIGNAL

    def backward(self, _gradient: Gradient, _entering: Signal) -> Gradient:
        """No prediction."""
        return UNKNOWN_GRADIENT


def _kurtosis(function: Function, second_moment: float, std: float) -> float:
    """E[f(u)⁴] / E[f(u)²]², the squares scaled before they are squared again so that none underflows."""
    if second_moment == 0:
        return 1.0
    return expectation(lambda u: (function(u) ** 2 / second_moment) ** 2, std)


def _elasticity(function: Function, second_moment: float, std: float) -> float:
    """D log E[f(u)²] / d log q at u ~ N(0, q): the score of the normal density makes it E[f² (z² - 1)] / 2 E[f²]."""
    if second_moment == 0 or std == 0:
        return 0.0
    return expectation(lambda u: function(u) ** 2 / second_moment * ((u / std) ** 2 - 1), std) / 2
