"""Steps that rescale what passes: normalization layers, fixed factors, averages over positions.

Layer normalization divides each input's units by their standard deviation, the same for every input at infinite width.
Batch normalization divides each unit by its standard deviation over the batch, which knows only the part of the signal
that differs between inputs. Backward both divide by the same number, so that gradients see the weights before them only
through that: with batch normalization a ReLU layer multiplies gradients by π / (π - 1) whatever its weights.

Ioffe and Szegedy, "Batch Normalization", 2015; Ba, Kiros and Hinton, "Layer Normalization", 2016; Yang, Pennington,
Rao, Sohl-Dickstein and Schoenholz, "A Mean Field Theory of Batch Normalization", 2019, section 3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

from initbench.theory.signal import UNKNOWN_GRADIENT, UNKNOWN_SIGNAL, Gradient, Signal
from initbench.theory.steps import Step


@final
@dataclass(frozen=True)
class LayerNormalization(Step):
    """Each input's units, or channels and positions, brought to mean 0 and variance ``scale``².

    ``scale`` is the root mean square of the factors that follow; they must come with shifts of zero.
    """

    scale: float = 1.0
    epsilon: float = 1e-5

    def forward(self, entering: Signal) -> Signal:
        """Values of mean 0; a Gaussian signal stays Gaussian."""
        if not entering.known:
            return UNKNOWN_SIGNAL
        variance = self._factor(entering) * entering.variance
        return Signal(variance, gaussian=entering.gaussian, units=entering.units, dispersion=0.0)

    def backward(self, gradient: Gradient, entering: Signal) -> Gradient:
        """Gradients divided by the variance that the signal had; the two directions that are lost do not matter."""
        if not (gradient.known and entering.known):
            return UNKNOWN_GRADIENT
        lost = self._lost(entering)
        return replace(
            gradient,
            variance=self._factor(entering) * gradient.variance,
            log_variance=gradient.log_variance + lost**2 * entering.scatter,
            pull=-lost,
        )

    def _factor(self, entering: Signal) -> float:
        return self.scale**2 / (entering.variance + self.epsilon)

    def _lost(self, entering: Signal) -> float:
        return entering.variance / (entering.variance + self.epsilon)


@final
@dataclass(frozen=True)
class BatchNormalization(Step):
    """Each unit, or channel, brought to mean 0 and variance ``scale``² over the batch (and the positions)."""

    scale: float = 1.0
    epsilon: float = 1e-5

    def forward(self, entering: Signal) -> Signal:
        """Values that vary over the batch alone."""
        known = entering.known and entering.batch_variance >= 0
        if not known:
            return UNKNOWN_SIGNAL
        variance = self._factor(entering) * entering.batch_variance
        return Signal(variance, gaussian=entering.gaussian, units=entering.units, batch_variance=variance)

    def backward(self, gradient: Gradient, entering: Signal) -> Gradient:
        """Gradients divided by the variance over the batch; the loss of two directions in a large batch is left out."""
        known = gradient.known and entering.known and entering.batch_variance >= 0
        if not known:
            return UNKNOWN_GRADIENT
        return replace(gradient, variance=self._factor(entering) * gradient.variance, pull=0.0)

    def _factor(self, entering: Signal) -> float:
        return self.scale**2 / (entering.batch_variance + self.epsilon)


@final
@dataclass(frozen=True)
class Scaling(Step):
    """Multiplication of every value by one number."""

    factor: float

    def forward(self, entering: Signal) -> Signal:
        """The square of the factor, on every second moment."""
        square = self.factor**2
        return replace(
            entering,
            second_moment=square * entering.second_moment,
            mean=self.factor * entering.mean,
            batch_variance=square * entering.batch_variance,
        )

    def backward(self, gradient: Gradient, entering: Signal) -> Gradient:
        """The same, on the gradient."""
        return replace(gradient, variance=self.factor**2 * gradient.variance)


@final
@dataclass(frozen=True)
class Averaging(Step):
    """The average of ``count`` neighboring positions, each of which enters one average only.

    What it does to the signal depends on how alike the positions are, which theory does not follow here. The gradient
    of each position is that of the average divided by their number, whatever the signal.
    """

    count: int

    def forward(self, entering: Signal) -> Signal:
        """No prediction, unless there is nothing to average."""
        return entering if self.count == 1 else UNKNOWN_SIGNAL

    def backward(self, gradient: Gradient, entering: Signal) -> Gradient:
        """Gradients divided by the number of positions."""
        return replace(gradient, variance=gradient.variance / self.count**2)


def add_signals(first: Signal, second: Signal) -> Signal:
    """The sum of two signals of which one has mean zero whatever the other is.

    The logarithms of their moments are taken as fully correlated, which can only widen the band.
    """
    share = _share(first.second_moment, second.second_moment)
    return Signal(
        second_moment=first.second_moment + second.second_moment,
        mean=first.mean + second.mean,
        gaussian=first.gaussian and second.gaussian,
        units=min(first.units, second.units),
        dispersion=_dispersion(share, first.dispersion, second.dispersion),
        log_variance=_log_variance(share, first.log_variance, second.log_variance),
        batch_variance=first.batch_variance + second.batch_variance,
    )


def add_gradients(first: Gradient, second: Gradient) -> Gradient:
    """The gradient of a value that two paths read, each with independent weights of its own."""
    share = _share(first.variance, second.variance)
    return Gradient(
        variance=first.variance + second.variance,
        units=min(first.units, second.units),
        dispersion=_dispersion(share, first.dispersion, second.dispersion),
        log_variance=_log_variance(share, first.log_variance, second.log_variance),
        pull=share * first.pull + (1 - share) * second.pull,
    )


def _share(first: float, second: float) -> float:
    return first / (first + second) if first + second > 0 else 0.5


def _dispersion(share: float, first: float, second: float) -> float:
    """E[(x + y)⁴] / E[(x + y)²]² - 1 for uncorrelated x and y, one of them symmetric."""
    return share**2 * first + (1 - share) ** 2 * second + 4 * share * (1 - share)


def _log_variance(share: float, first: float, second: float) -> float:
    if not (first >= 0 and second >= 0):  # moments beyond the range of floats cancel to anything
        return math.nan
    return (share * math.sqrt(first) + (1 - share) * math.sqrt(second)) ** 2
