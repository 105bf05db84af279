"""The phase diagram: depth scales over the plane of weight and bias variances, and the critical line through it.

The rate at which the correlation of two inputs settles, 1/ξ_c, is taken as positive in the ordered phase and negative
in the chaotic one. So signed it is smooth and crosses zero on the critical line, which lets a coarse grid be
interpolated.

A picture needs three digits, so the correlation map is summed up from the Hermite coefficients of φ (Mehler's formula:
E[φ(u₁) φ(u₂)] = Σ aₖ² cᵏ), which takes one integral over a line where ``mean_field`` takes one over a plane.

Poole et al. 2016, figure 1; Schoenholz et al. 2017, figure 2; Xiao et al. 2018, figure 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import Polynomial

from initbench.theory.critical import critical_weight_variance
from initbench.theory.meanfield import gradient_factor, variance_fixed_point
from initbench.theory.quadrature import Array, Function
from initbench.theory.roots import root

COLUMNS, ROWS = 33, 17  # of the grid
POINTS_ON_LINE = 40
BIAS_VARIANCES = 0.3  # how far up the diagram goes
TERMS = 150  # of the Hermite series
POINTS = np.linspace(-12, 12, 2401)
POINTS.setflags(write=False)
FARTHEST = 4.0  # weight variance where no critical line says how far to go right


@dataclass(frozen=True)
class PhaseDiagram:
    """``rates`` [rows, columns] is ±1/ξ_c, NaN where signals are unbounded.

    ``critical_weight_variances`` belong to ``critical_bias_variances``; NaN where there is no critical point.
    """

    weight_variances: Array
    bias_variances: Array
    rates: Array
    critical_weight_variances: Array
    critical_bias_variances: Array


def phase_diagram(phi: Function, dphi: Function) -> PhaseDiagram:
    """The diagram of an activation and its derivative, around its critical line; a few seconds."""
    line = np.concatenate([[0.0], np.geomspace(1e-5, BIAS_VARIANCES, POINTS_ON_LINE)])
    found = [critical_weight_variance(phi, dphi, float(bias)) for bias in line]
    critical = np.array([math.nan if value is None else value for value in found])
    right = 1.6 * float(np.nanmax(critical)) if np.isfinite(critical).any() else FARTHEST
    weights, biases = np.linspace(right / 1000, right, COLUMNS), np.linspace(0, BIAS_VARIANCES, ROWS)
    hermite = _weighted_hermite()
    rates = [[_rate(phi, dphi, (float(weight), float(bias)), hermite) for weight in weights] for bias in biases]
    return PhaseDiagram(weights, biases, np.array(rates), critical, line)


def _rate(phi: Function, dphi: Function, variances: tuple[float, float], hermite: Array) -> float:
    weight_variance, bias_variance = variances
    q = variance_fixed_point(phi, weight_variance, bias_variance)
    if q == math.inf:
        return math.nan
    chi1 = gradient_factor(dphi, q, weight_variance)
    if chi1 <= 1:
        return -math.log(chi1) if chi1 > 0 else math.inf
    coefficients = weight_variance / q * (hermite @ phi(math.sqrt(q) * POINTS)) ** 2
    coefficients[0] += bias_variance / q
    correlation = Polynomial(coefficients)
    settles = correlation - Polynomial([0, 1])
    fixed = root(settles, 0, 1 - 1e-6, tolerance=1e-10) if settles(0) > 0 > settles(1 - 1e-6) else 0.0
    return min(0.0, math.log(max(float(correlation.deriv()(fixed)), 1e-300)))


def _weighted_hermite() -> Array:
    """Rows that turn the values of a function at ``POINTS`` into its coefficients in normalized Hermite polynomials."""
    rows = [np.ones_like(POINTS), POINTS]
    for degree in range(1, TERMS - 1):
        rows.append((POINTS * rows[-1] - math.sqrt(degree) * rows[-2]) / math.sqrt(degree + 1))
    density = np.exp(-0.5 * POINTS**2) / math.sqrt(2 * math.pi) * (POINTS[1] - POINTS[0])
    return np.asarray(np.array(rows) * density, dtype=np.float64)
