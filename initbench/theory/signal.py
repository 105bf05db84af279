"""What theory knows of the values between two layers, and of the gradients with respect to them.

At infinite width a second moment is a number. At width n it is the average of n random squares, so from one draw of
the weights to the next its logarithm scatters with variance dispersion / n, where

    dispersion = E[x⁴] / E[x²]² - 1

is 2 for Gaussian values and 5 for their ReLU. Layers add up: behind L ReLU layers of width n the logarithm of the
second moment is about normal with variance 5 L / n and, the mean being unbiased, has drifted by half of that below it
(Hanin and Rolnick 2018). For other activations the scatter is carried on to first order in 1/n: each step multiplies
it by its elasticity, d log (moment after) / d log (moment before), which is 1 for ReLU without biases and less for
saturating activations, whose bands therefore stop widening. The bands hold for independent weights and one input;
averaging over a batch of unlike inputs, and orthogonal weights, only narrow them.

Hanin and Rolnick, "How to Start Training: The Effect of Initialization and Architecture", 2018, section 3; Hanin and
Nica, "Products of Many Large Random Matrices and Gradients in Deep Neural Networks", 2020, for gradients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

GAUSSIAN_DISPERSION = 2.0


class Band(NamedTuple):
    """The range that holds the measured value for 95 % of the draws of weights: ±2 sd of its logarithm."""

    low: float
    high: float


@dataclass(frozen=True)
class Signal:
    """The distribution of a layer's values over inputs, units and draws of the weights.

    ``second_moment`` and ``mean`` are those at infinite width; ``gaussian`` says whether the values are normal, as
    pre-activations are. ``units`` and ``dispersion`` give the scatter of an average over this layer's units,
    ``log_variance`` is the scatter inherited from the layers before. ``batch_variance`` is the part of the second
    moment that varies from input to input within a unit, which is what batch normalization sees. NaN moments mean "no
    prediction".
    """

    second_moment: float
    mean: float = 0.0
    gaussian: bool = False
    units: float = math.inf
    dispersion: float = 0.0
    log_variance: float = 0.0
    batch_variance: float = math.nan

    @property
    def variance(self) -> float:
        """The variance over inputs and units."""
        return self.second_moment - self.mean**2

    @property
    def known(self) -> bool:
        """Whether there is a prediction, and within the range of floats."""
        return math.isfinite(self.second_moment)

    @property
    def scatter(self) -> float:
        """The variance of the logarithm of an average of squares over this layer's units."""
        return self.dispersion / self.units

    @property
    def band(self) -> Band:
        """Where the second moment of one network lies."""
        return log_normal_band(self.second_moment, self.log_variance + self.scatter)


@dataclass(frozen=True)
class Gradient:
    """The gradient of the loss with respect to a layer's values: variance over inputs, units and draws of the weights.

    ``units``, ``dispersion`` and ``log_variance`` are as in ``Signal``. ``pull`` is the elasticity of ``variance`` with
    respect to the signal's second moment at the same place: a signal that came in larger saturates the units above and
    so lowers the gradient.
    """

    variance: float
    units: float = math.inf
    dispersion: float = 0.0
    log_variance: float = 0.0
    pull: float = 0.0

    @property
    def known(self) -> bool:
        """Whether there is a prediction, and within the range of floats."""
        return math.isfinite(self.variance)

    @property
    def scatter(self) -> float:
        """The variance of the logarithm of an average of squares over this layer's units."""
        return self.dispersion / self.units

    def band(self, signal: Signal) -> Band:
        """Where the gradient variance of one network lies, given the signal at the same place."""
        return log_normal_band(self.variance, self.log_variance + self.scatter + self.pull**2 * signal.log_variance)


UNKNOWN_SIGNAL = Signal(math.nan, math.nan)
UNKNOWN_GRADIENT = Gradient(math.nan)


def log_normal_band(mean: float, log_variance: float) -> Band:
    """The ±2 sd range of a log-normal variable with this mean, whose logarithm has this variance.

    Unknown where the variance is none: moments beyond the range of floats cancel to anything.
    """
    if not log_variance >= 0:
        return Band(math.nan, math.nan)
    center, spread = -log_variance / 2, 2 * math.sqrt(log_variance)
    return Band(mean * math.exp(center - spread), mean * math.exp(min(center + spread, 700.0)))
