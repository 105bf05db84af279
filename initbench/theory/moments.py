"""The moments of an activation behind a Gaussian pre-activation: all that a prediction asks of it.

A prediction for every layer of every replica asks for them at hundreds of variances that lie close together. The table
integrates at the points of a fixed grid in log q, when they are first needed, and interpolates between six of them,
which reproduces the integrals to about 1e-6. Positively homogeneous activations (ReLU and its leaky relatives), for
which φ(λu) = λφ(u), need a single point.

Stein, "Estimation of the Mean of a Multivariate Normal Distribution", 1981, lemma 1, for the elasticities: the score
of the normal density gives d E[f(u)] / d log q = E[f(u) (z² - 1)] / 2 without a derivative of f.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from initbench.theory.gaussian import expectation
from initbench.theory.quadrature import Array, Function

SPACING = 0.25  # of the grid in log q
NEIGHBORS = np.arange(-2, 4)  # the six points of the grid around a value
BARYCENTRIC = np.array([1.0, -5.0, 10.0, -10.0, 5.0, -1.0])  # of equidistant points (Berrut and Trefethen 2004)
TESTED = np.array([-9.0, -2.5, -1.0, -0.3, -0.01, 0.01, 0.3, 1.0, 2.5, 9.0])


class Moments(NamedTuple):
    """Of φ(u) and φ'(u), u ~ N(0, q): means of squares, kurtoses E[x⁴] / E[x²]², and elasticities in q.

    ``elasticity`` is d log E[φ²] / d log q, ``slope`` is E[φ'²]; the last three are for φ(u) less its mean.
    """

    mean: float
    second_moment: float
    kurtosis: float
    elasticity: float
    slope: float
    slope_kurtosis: float
    slope_elasticity: float
    variance: float
    variance_kurtosis: float
    variance_elasticity: float


Source = Callable[[float], Moments]
"""From the standard deviation of u to the moments."""


def moments(phi: Function, dphi: Function, std: float) -> Moments:
    """The moments at u ~ N(0, std²), integrated; ``phi`` and ``dphi`` are functions of float64 arrays."""
    mean = expectation(phi, std)
    return Moments(mean, *_of(phi, std), *_of(dphi, std), *_of(lambda u: phi(u) - mean, std))


class MomentTable:
    """The moments of one activation, interpolated; it remembers the points that it has integrated."""

    def __init__(self, phi: Function, dphi: Function) -> None:
        self._phi, self._dphi = phi, dphi
        self._points: dict[int, Array] = {}
        self._answers: dict[float, Moments] = {}
        self._unit = moments(phi, dphi, 1.0) if _is_homogeneous(phi) else None

    def __call__(self, std: float) -> Moments:
        """The moments at u ~ N(0, std²)."""
        if std not in self._answers:
            self._answers[std] = self._moments(std)
        return self._answers[std]

    def _moments(self, std: float) -> Moments:
        if self._unit is not None:
            unit, q = self._unit, std * std
            return unit._replace(mean=unit.mean * std, second_moment=unit.second_moment * q, variance=unit.variance * q)
        if not 0 < std < math.inf:
            return moments(self._phi, self._dphi, std)
        position = 2 * math.log(std) / SPACING
        below = math.floor(position)
        values = _lagrange(position - below) @ np.array([self._point(below + step) for step in NEIGHBORS.tolist()])
        if not np.isfinite(values).all():  # a moment that vanishes has no logarithm
            return moments(self._phi, self._dphi, std)
        return _from_smooth(values)

    def _point(self, index: int) -> Array:
        if index not in self._points:
            self._points[index] = _to_smooth(moments(self._phi, self._dphi, math.exp(index * SPACING / 2)))
        return self._points[index]


def _of(function: Function, std: float) -> tuple[float, float, float]:
    """Second moment, kurtosis and elasticity of a function; squares are scaled before they are squared again."""
    second = expectation(lambda u: function(u) ** 2, std)
    if second == 0 or std == 0:
        return second, 1.0, 0.0
    kurtosis = expectation(lambda u: (function(u) ** 2 / second) ** 2, std)
    elasticity = expectation(lambda u: function(u) ** 2 / second * ((u / std) ** 2 - 1), std) / 2
    return second, kurtosis, elasticity


def _is_homogeneous(phi: Function) -> bool:
    """Whether φ(λu) = λφ(u); powers of two scale floats exactly, so the comparison may be exact as well."""
    return all(np.array_equal(phi(scale * TESTED), scale * phi(TESTED)) for scale in (2.0**-40, 0.5, 4.0, 2.0**40))


def _to_smooth(found: Moments) -> Array:
    """What interpolates well: logarithms of positive moments, the mean relative to the root of the second moment."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.float64(found.mean) / np.sqrt(found.second_moment)
        logs = np.log([found.second_moment, found.slope, found.variance])
    second, slope, variance = logs
    return np.array([mean, second, *found[2:4], slope, *found[5:7], variance, *found[8:]], dtype=np.float64)


def _from_smooth(values: Array) -> Moments:
    mean, second, kurtosis, elasticity, slope, *rest = values.tolist()
    slope_kurtosis, slope_elasticity, variance, variance_kurtosis, variance_elasticity = rest
    return Moments(
        mean * math.exp(second / 2),
        math.exp(second),
        kurtosis,
        elasticity,
        math.exp(slope),
        slope_kurtosis,
        slope_elasticity,
        math.exp(variance),
        variance_kurtosis,
        variance_elasticity,
    )


def _lagrange(position: float) -> Array:
    """Weights of the six neighbors for a position in [0, 1) between the third and the fourth."""
    if position == 0:
        return np.asarray(NEIGHBORS == 0, dtype=np.float64)
    weights = BARYCENTRIC / (position - NEIGHBORS)
    return np.asarray(weights / weights.sum(), dtype=np.float64)
