"""Mean-field theory of a wide layer repeated for ever: where its signals settle, and over how many layers.

With weights of variance weight_variance / fan_in and biases of variance bias_variance, the variance q of a
pre-activation and the correlation c between those of two inputs follow, from layer to layer,

    q → V(q) = weight_variance · E[φ(√q z)²] + bias_variance,
    c → C(c) = (weight_variance · E[φ(u₁) φ(u₂)] + bias_variance) / q*,  u₁, u₂ ~ N(0, q*) of correlation c.

χ₁ = weight_variance · E[φ'(√q* z)²] is both the slope of C at 1 and the factor by which a layer multiplies the
variance of gradients. C is convex on [0, 1], its power series having no negative coefficient, and C(1) = 1: for
χ₁ ≤ 1 inputs end up alike (c* = 1), for χ₁ > 1 there is exactly one other fixed point, c* in [0, 1). Both fixed points
are found as roots, since iteration slows down without bound at the critical line.

Poole, Lahiri, Raghu, Sohl-Dickstein and Ganguli, "Exponential Expressivity in Deep Neural Networks through Transient
Chaos", 2016, section 2; Schoenholz, Gilmer, Ganguli and Sohl-Dickstein, "Deep Information Propagation", 2017, sections
3 and 4; for unbounded variances Hayou, Doucet and Rousseau, "On the Impact of the Activation Function on Deep Neural
Networks Training", 2019, section 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from initbench.theory.gaussian import expectation, mean_square_difference, pair_expectation
from initbench.theory.quadrature import Function
from initbench.theory.roots import root

Phase = Literal["ordered", "critical", "chaotic", "unbounded"]

CRITICAL_WITHIN = 1e-6  # of |χ₁ - 1|: a depth scale of a million layers
FIXED_WITHIN = 1e-10  # of |V(q)/q - 1|, what quadrature can tell from an exact fixed point
NEVER_BELOW, NEVER_ABOVE = 1e-20, 1e16  # of q: a signal that passes these on its way is gone, or unbounded
CLOSEST = 1e-11  # the least 1 - c* that is told from 0


@dataclass(frozen=True)
class MeanField:
    """Where the signals of a deep network settle.

    ``q_star`` is the variance that pre-activations reach from an input of second moment 1: 0 if the signal dies out,
    ``math.inf`` if it grows without bound. Then there is no phase and no correlation to settle: ``phase`` is
    "unbounded", ``c_star``, ``xi_q`` and ``xi_c`` are None, and ``chi1`` is its limit at large variance. Where every
    variance is a fixed point (ReLU at weight variance 2), ``q_star`` is that of the first layer.

    ``c_star`` is the correlation that two different inputs reach. The depth scales ``xi_q`` and ``xi_c`` are the
    numbers of layers over which distances from ``q_star`` and ``c_star`` shrink by e; ``math.inf`` on the critical
    line, and ``xi_q`` also where the variance is not attracted to its fixed point exponentially. A network trains to a
    depth of a few ``xi_c``.
    """

    weight_variance: float
    bias_variance: float
    q_star: float
    chi1: float
    c_star: float | None
    xi_q: float | None
    xi_c: float | None
    phase: Phase


def mean_field(phi: Function, dphi: Function, weight_variance: float, bias_variance: float = 0.0) -> MeanField:
    """The fixed points, depth scales and phase of layers with activation ``phi``, whose derivative is ``dphi``.

    ``weight_variance`` is fan_in · Var(W), the σ_w² of the literature; ``bias_variance`` is Var(b), σ_b².

    Raises
    ------
    ValueError
        A variance is negative or not finite.
    """
    for name, variance in (("weight_variance", weight_variance), ("bias_variance", bias_variance)):
        if not 0 <= variance < math.inf:
            raise ValueError(f"{name} must be a finite number of at least 0, found {variance}")
    q = variance_fixed_point(phi, weight_variance, bias_variance)
    chi1 = gradient_factor(dphi, q, weight_variance)
    if q == math.inf:
        return MeanField(weight_variance, bias_variance, q, chi1, None, None, None, "unbounded")
    phase = _phase(chi1)
    c_star = _correlation_fixed_point(phi, q, weight_variance) if phase == "chaotic" else 1.0
    slope = chi1 if c_star == 1 else weight_variance * pair_expectation(dphi, dphi, c_star, math.sqrt(q))
    return MeanField(
        weight_variance,
        bias_variance,
        q_star=q,
        chi1=chi1,
        c_star=c_star,
        xi_q=depth_scale(chi1 if q == 0 else _variance_slope(phi, dphi, q, weight_variance)),
        xi_c=math.inf if phase == "critical" else depth_scale(slope),
        phase=phase,
    )


def variance_map(phi: Function, q: float, weight_variance: float, bias_variance: float = 0.0) -> float:
    """V(q): the pre-activation variance of the next layer, given that of this one."""
    return weight_variance * expectation(lambda u: phi(u) ** 2, math.sqrt(q)) + bias_variance


def gradient_factor(dphi: Function, q: float, weight_variance: float) -> float:
    """χ(q) = weight_variance · E[φ'(√q z)²]; at q = 0 and q = inf its limits, which mind a kink at zero."""
    return weight_variance * expectation(lambda u: dphi(u) ** 2, math.sqrt(min(max(q, 1e-24), NEVER_ABOVE)))


def variance_fixed_point(phi: Function, weight_variance: float, bias_variance: float = 0.0) -> float:
    """q*, the fixed point of V in whose direction a signal starts that enters with second moment 1; 0 or inf if none.

    The search goes from the variance of the first layer, up or down as V does, to the first change of sign of
    V(q) - q, in steps of a factor of 2.
    """

    def growth(log_q: float) -> float:
        q = math.exp(log_q)
        return variance_map(phi, q, weight_variance, bias_variance) / q - 1

    first = weight_variance + bias_variance
    if first == 0:
        return 0.0
    here = math.log(first)
    rising = growth(here)
    if abs(rising) <= FIXED_WITHIN:
        return first
    step = math.copysign(math.log(2), rising)
    while math.log(NEVER_BELOW) < here < math.log(NEVER_ABOVE):
        ahead = growth(here + step)
        if ahead * rising < 0 and abs(ahead) > FIXED_WITHIN:
            return math.exp(root(growth, here, here + step, tolerance=1e-14))
        here += step
    return math.inf if rising > 0 else 0.0


def depth_scale(slope: float) -> float:
    """The number of layers over which a distance shrinks by e when each layer multiplies it by ``slope``.

    0 where one layer removes it, ``math.inf`` where it does not shrink.
    """
    if abs(slope) >= 1 - FIXED_WITHIN:
        return math.inf
    return -1 / math.log(abs(slope)) if slope else 0.0


def _phase(chi1: float) -> Phase:
    if abs(chi1 - 1) <= CRITICAL_WITHIN:
        return "critical"
    return "ordered" if chi1 < 1 else "chaotic"


def _variance_slope(phi: Function, dphi: Function, q: float, weight_variance: float) -> float:
    """V'(q) = χ + weight_variance · E[φ''φ], by Stein's lemma weight_variance · E[u φ(u) φ'(u)] / q without φ''."""
    return weight_variance * expectation(lambda u: u * phi(u) * dphi(u), math.sqrt(q)) / q


def _correlation_fixed_point(phi: Function, q: float, weight_variance: float) -> float:
    """c* < 1 of the chaotic phase.

    1 - C(c) = weight_variance · E[(φ(u₁) - φ(u₂))²] / 2q*, and its ratio to 1 - c is 1 at a fixed point, χ₁ > 1
    towards c = 1 and at most 1 at c = 0. This form keeps its digits close to c = 1.
    """

    def excess(log_decorrelation: float) -> float:
        decorrelation = math.exp(log_decorrelation)
        difference = mean_square_difference(phi, decorrelation, math.sqrt(q))
        return weight_variance * difference / (2 * q * decorrelation) - 1

    if excess(0.0) >= -FIXED_WITHIN:
        return 0.0
    upper = 0.0
    while excess(lower := upper - math.log(10)) <= 0:
        upper = lower
        if upper < math.log(CLOSEST):
            return 1.0
    return 1 - math.exp(root(excess, lower, upper, tolerance=1e-10))
