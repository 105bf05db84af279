"""Gaussian expectations of activation functions, accurate to 1e-10 for kinked and saturating ones too.

E[f(u)] for u ~ N(0, std²) is integrated over z = u/std within ±12 by adaptive panels. These start at the integers
and, where std > 1, at powers of two in u itself, since an activation has its features at |u| of order 1 whatever the
std. Gauss-Hermite quadrature, the usual choice, misses E[tanh'(4z)²] by 9 % with 100 nodes.

E[f(u₁) g(u₂)] for a pair of correlation c ≥ 0 is integrated over the independent sum and difference

    u₁ = std (s a + d b),  u₂ = std (s a - d b),  s = √((1+c)/2),  d = √((1-c)/2),

in which nothing degenerates as c → 1 (a negative c is the positive one of g reflected). For each a, the line over b
is cut where u₁ or u₂ crosses a kink of f or g, as found by integrating these by themselves, so that the kinks, which
lie along diagonals of the (a, b) plane, cost nothing in accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from initbench.theory.quadrature import NODES, WEIGHTS, Array, Function, integrate

Joint = Callable[[Array, Array], Array]

REACH = 12  # of z on a line; the density is 2e-32 there
PAIR_REACH = 8.5  # of a and b in the plane; the mass beyond is 2e-17
OFF_GRID = 0.9717  # a spacing whose multiples hold no likely kink but 0, so that every other shows itself
ROWS_AT_ONCE = 256  # keeps the arrays of one batch of lines within the processor's cache


def expectation(function: Function, std: float = 1.0) -> float:
    """E[f(u)], u ~ N(0, std²), to about 1e-10 of E[|f(u)|].

    ``function`` takes and returns float64 arrays of shape [n]. Kinks and jumps may lie anywhere; features should not
    be much narrower than 0.01 in u: to widen the Gaussian, pass ``std`` instead of rescaling the argument.

    Raises
    ------
    QuadratureError
        The function is noise, or not computed in float64.
    """
    return integrate(_weighted(function, std), _line_edges(std)).value


def pair_expectation(first: Function, second: Function, correlation: float, std: float = 1.0) -> float:
    """E[f(u₁) g(u₂)] for jointly Gaussian u₁, u₂ of mean 0, standard deviation ``std`` and the given correlation.

    Accurate to about 1e-9 of E[|f(u₁) g(u₂)|] at any correlation in [-1, 1].

    Raises
    ------
    ValueError
        The correlation is outside [-1, 1].
    QuadratureError
        A function is noise, or not computed in float64.
    """
    if not -1 <= correlation <= 1:
        raise ValueError(f"a correlation lies in [-1, 1], found {correlation}")
    if correlation < 0:
        return pair_expectation(first, lambda u: second(-u), -correlation, std)
    if correlation == 1:
        return expectation(lambda u: first(u) * second(u), std)
    cuts = np.union1d(_cuts(first, std), _cuts(second, std))
    return _over_pairs(lambda u, v: first(u) * second(v), cuts, 1 - correlation, std)


def mean_square_difference(function: Function, decorrelation: float, std: float = 1.0) -> float:
    """E[(f(u₁) - f(u₂))²] at correlation 1 - ``decorrelation``, which may be as small as 1e-12 and at most 1.

    The difference is taken under the integral, so the result keeps its digits where 2 E[f²] - 2 E[f(u₁) f(u₂)]
    loses them.
    """
    return _over_pairs(lambda u, v: (function(u) - function(v)) ** 2, _cuts(function, std), decorrelation, std)


def gain(function: Function) -> float:
    """1/√E[f(z)²], z ~ N(0, 1): the factor that restores a second moment of 1. Infinite where f vanishes."""
    return _inverse_root(expectation(lambda z: function(z) ** 2))


def std_gain(function: Function) -> float:
    """1/√Var[f(z)], z ~ N(0, 1): the factor that restores a variance of 1. Infinite where f is constant."""
    mean = expectation(function)
    return _inverse_root(expectation(lambda z: (function(z) - mean) ** 2))


def _inverse_root(moment: float) -> float:
    return 1 / math.sqrt(moment) if moment > 0 else math.inf


def _weighted(function: Function, std: float) -> Function:
    return lambda z: function(std * z) * _density(z)


def _density(z: Array) -> Array:
    density: Array = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    return density


def _line_edges(std: float, spacing: float = 1.0) -> Array:
    """Panel edges in z: multiples of the spacing, and the powers of two from 1/2 in u = std · z if these are closer."""
    edges = spacing * np.arange(-REACH, REACH + 1.0)
    if std <= 1:
        return edges
    powers = 2.0 ** np.arange(-1, math.floor(math.log2(std)) + 1) / std
    return np.union1d(edges, np.concatenate([-powers, powers]))


def _cuts(function: Function, std: float) -> Array:
    """Where a line in z must be cut, beyond panels of width 1, to resolve a function: 0, and the edges near kinks."""
    edges = integrate(_weighted(function, std), _line_edges(std, OFF_GRID), tolerance=1e-10).edges
    grid = OFF_GRID * np.arange(-REACH, REACH + 1.0)
    return np.union1d([0.0], np.setdiff1d(edges[np.abs(edges) < PAIR_REACH], grid))


def _over_pairs(joint: Joint, cuts: Array, decorrelation: float, std: float) -> float:
    """E[joint(u₁, u₂)] at correlation 1 - decorrelation in [0, 1), for kinks along u₁ or u₂ = std · cuts."""
    s, d = math.sqrt(1 - decorrelation / 2), math.sqrt(decorrelation / 2)

    def along_a(a: Array) -> Array:
        batches = np.array_split(a, math.ceil(len(a) / ROWS_AT_ONCE))
        lines = [_over_lines(joint, cuts, s * part, d, std) for part in batches]
        return np.concatenate(lines) * _density(a)

    return integrate(along_a, _blurred_edges(cuts / s, d / s), tolerance=1e-10).value


def _over_lines(joint: Joint, cuts: Array, centers: Array, d: float, std: float) -> Array:
    """E over b of joint(std (center + d b), std (center - d b)) for each center, [n] to [n]."""
    crossings = (cuts - centers[:, None]) / d
    grid = np.broadcast_to(np.linspace(-PAIR_REACH, PAIR_REACH, 13), (len(centers), 13))
    edges = np.sort(np.concatenate([grid, crossings, -crossings], axis=1).clip(-PAIR_REACH, PAIR_REACH), axis=1)
    row, panel = np.nonzero(np.diff(edges, axis=1))
    left = edges[row, panel][:, None]
    half = (edges[row, panel + 1][:, None] - left) / 2
    b = left + half * (NODES + 1)
    center = centers[row][:, None]
    values = joint((std * (center + d * b)).ravel(), (std * (center - d * b)).ravel()).reshape(b.shape)
    parts = half[:, 0] * ((values * _density(b)) @ WEIGHTS)
    return np.asarray(np.bincount(row, weights=parts, minlength=len(centers)), dtype=np.float64)


def _blurred_edges(centers: Array, width: float) -> Array:
    """Panel edges that find features of a given width at the centers: steps of 1 that shrink towards each center."""
    steps = width * 8.0 ** np.arange(max(0, math.ceil(-math.log(width, 8))))
    kept = centers[np.concatenate([[True], np.diff(centers) > width / 4])]  # finer than the blur, nothing is seen
    edges = np.concatenate([kept, np.add.outer(kept, np.concatenate([-steps, steps])).ravel()])
    return np.unique(np.concatenate([edges, np.linspace(-PAIR_REACH, PAIR_REACH, 18)]).clip(-PAIR_REACH, PAIR_REACH))
