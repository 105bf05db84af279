"""The critical line: the pairs of weight and bias variance at which χ₁ = 1 and gradients keep their size.

Along the line the fixed point q serves as the parameter,

    weight_variance(q) = 1 / E[φ'(√q z)²],  bias_variance(q) = q - weight_variance(q) · E[φ(√q z)²],

so a point of the line is the root of a function of q alone. Not every root counts: q may repel signals, or sit beyond
another fixed point. Each root is therefore put to ``mean_field`` and passes only if signals do settle there. GELU, for
one, has critical points at every bias variance, but below 0.18 they repel.

Poole et al., "Exponential Expressivity in Deep Neural Networks through Transient Chaos", 2016, section 2; Hayou, Doucet
and Rousseau, "On the Impact of the Activation Function on Deep Neural Networks Training", 2019, algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from initbench.theory.gaussian import expectation
from initbench.theory.meanfield import gradient_factor, mean_field
from initbench.theory.quadrature import Function
from initbench.theory.roots import root

SEARCHED = np.arange(math.log(1e-9), math.log(1e6), math.log(1.25))  # of log q
NEGLIGIBLE = 1e-12  # of a bias variance: the rounding of an exact zero


class CriticalPoint(NamedTuple):
    """A point of the critical line: the two variances, and the pre-activation variance that they leave as it is."""

    weight_variance: float
    bias_variance: float
    q: float


def critical_point(phi: Function, dphi: Function, q: float) -> CriticalPoint | None:
    """The point at which pre-activations of variance q > 0 and their gradients both keep their variance.

    None where the bias variance would have to be negative, or the slope vanishes. Whether other variances are drawn
    to q is not asked; ``mean_field`` tells.
    """
    bias_variance = _bias_variance_at(phi, dphi, q)
    if bias_variance < -NEGLIGIBLE * q:
        return None
    return CriticalPoint(1 / gradient_factor(dphi, q, 1.0), max(bias_variance, 0.0), q)


def critical_weight_variance(phi: Function, dphi: Function, bias_variance: float = 0.0) -> float | None:
    """The σ_w² = fan_in · Var(W) that is critical at this σ_b², or None if there is none.

    For ReLU that is 2 at bias variance 0 and None at any other.
    """

    def missing(log_q: float) -> float:
        return _bias_variance_at(phi, dphi, math.exp(log_q)) - bias_variance

    candidates = (1 / factor for q in _roots(missing) if (factor := gradient_factor(dphi, q, 1.0)) > 0)
    return next((found for found in candidates if _is_critical(phi, dphi, found, bias_variance)), None)


def critical_bias_variance(phi: Function, dphi: Function, weight_variance: float) -> float | None:
    """The σ_b² that is critical at this σ_w² = fan_in · Var(W), or None if there is none."""

    def excess(log_q: float) -> float:
        return gradient_factor(dphi, math.exp(log_q), weight_variance) - 1

    candidates = (_bias_variance_at(phi, dphi, q) for q in _roots(excess))
    nonnegative = (0.0 if abs(found) < NEGLIGIBLE else found for found in candidates if found > -NEGLIGIBLE)
    return next((found for found in nonnegative if _is_critical(phi, dphi, weight_variance, found)), None)


def _bias_variance_at(phi: Function, dphi: Function, q: float) -> float:
    if q == 0:
        return 0.0  # the tentative root: a signal that dies out has no bias
    slope = gradient_factor(dphi, q, 1.0)
    if slope == 0:
        return -math.inf
    return q - expectation(lambda u: phi(u) ** 2, math.sqrt(q)) / slope


def _is_critical(phi: Function, dphi: Function, weight_variance: float, bias_variance: float) -> bool:
    return mean_field(phi, dphi, weight_variance, bias_variance).phase == "critical"


def _roots(function: Callable[[float], float]) -> Iterator[float]:
    """The q at which a function of log q vanishes, ascending: q = 0 for trial, then every change of sign.

    Two roots within 25 % of each other pass unseen, as they lie where the line is about to end.
    """
    yield 0.0
    before = function(SEARCHED[0])
    for left, right in pairwise(SEARCHED):
        after = function(right)
        if before * after <= 0:
            yield math.exp(root(function, left, right, tolerance=1e-13))
        before = after
