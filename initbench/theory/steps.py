"""The steps a signal takes through a network, each with its laws forward and backward.

A step maps the ``Signal`` that enters to the one that leaves, and the ``Gradient`` with respect to what leaves to that
with respect to what entered. A kind of layer that theory can follow is one subclass of ``Step``; one that it cannot
follow is ``Opaque``, and from there on nothing is predicted.

Forward, weights turn a second moment m into the variance fan_in · Var(W) · m + Var(b), an activation turns a variance q
into E[φ(√q z)²]. Backward, the variance of the gradient is multiplied by fan_out · Var(W) and by E[φ'(√q z)²]. The
variances put in are those of the weights as drawn, so a scheme is judged by what it did.

Poole et al. 2016 and Schoenholz et al. 2017 for both recursions; ``signal`` has the source of the bands.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import final

from initbench.theory.moments import Moments, Source, moments
from initbench.theory.quadrature import Function
from initbench.theory.signal import (
    GAUSSIAN_DISPERSION,
    UNKNOWN_GRADIENT,
    UNKNOWN_SIGNAL,
    Band,
    Gradient,
    Signal,
    log_normal_band,
)

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
            batch_variance=self.fan_in * self.weight_variance * entering.batch_variance,
        )

    def backward(self, gradient: Gradient, entering: Signal) -> Gradient:
        """Gaussian gradients of variance fan_out · Var(W) · Var(gradient), whatever the signal."""
        if not (gradient.known and self._is_centered):
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
    """An activation φ, given with its derivative as functions of float64 arrays; it needs a Gaussian signal.

    ``table`` stands in for the integrals where many are asked for.
    """

    phi: Function
    dphi: Function
    table: Source | None = None

    def forward(self, entering: Signal) -> Signal:
        """Values of mean E[φ(u)] and second moment E[φ(u)²].

        Behind batch normalization a unit's values are taken as normal over the batch; then they vary as φ(u) does.
        """
        if not (entering.known and entering.gaussian):
            return UNKNOWN_SIGNAL
        found = self._moments(entering)
        normal_over_the_batch = math.isclose(entering.batch_variance, entering.second_moment, rel_tol=1e-6)
        return Signal(
            second_moment=found.second_moment,
            mean=found.mean,
            units=entering.units,
            dispersion=found.kurtosis - 1,
            log_variance=found.elasticity**2 * entering.log_variance,
            batch_variance=found.variance if normal_over_the_batch else math.nan,
        )

    def backward(self, gradient: Gradient, entering: Signal) -> Gradient:
        """Gradients of variance E[φ'(u)²] · Var(gradient)."""
        if not (gradient.known and entering.known and entering.gaussian):
            return UNKNOWN_GRADIENT
        found = self._moments(entering)
        return replace(
            gradient,
            variance=found.slope * gradient.variance,
            units=entering.units,
            dispersion=(gradient.dispersion + 1) * found.slope_kurtosis - 1,
            pull=found.slope_elasticity + found.elasticity * gradient.pull,
        )

    def variance_band(self, entering: Signal) -> Band:
        """Where the variance of φ(u), its mean taken off, lies in one network."""
        if not (entering.known and entering.gaussian):
            return Band(math.nan, math.nan)
        found = self._moments(entering)
        scatter = (found.variance_kurtosis - 1) / entering.units
        return log_normal_band(found.variance, found.variance_elasticity**2 * entering.log_variance + scatter)

    def _moments(self, entering: Signal) -> Moments:
        std = math.sqrt(entering.second_moment)
        return self.table(std) if self.table else moments(self.phi, self.dphi, std)


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
