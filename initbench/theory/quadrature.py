"""Adaptive Gauss-Legendre quadrature on panels, for integrands with kinks, jumps and narrow features.

Each panel is sampled at 16 Gauss-Legendre nodes. The same samples give the panel's integral and its Legendre
coefficients; where the last of these have not died out, or the samples do not foretell two more just inside the ends,
the integrand is not resolved and the panel is halved. All panels of a round are sampled in one call, so that
vectorized integrands are fast. Smooth integrands are done after a round or two; a kink costs one or two small panels a
round until these no longer matter.

Trefethen, "Approximation Theory and Approximation Practice", 2013, chapters 8 and 19.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

Array = NDArray[np.float64]
Function = Callable[[Array], Array]

ORDER = 16
WATCHED = np.arange(ORDER - 4, ORDER)  # four, so that no symmetry of the integrand hides a kink from all of them
JUST_INSIDE = 1 - 1e-12  # not the ends themselves: there a jump may lie by design, and its value is arbitrary


def _rule() -> tuple[Array, Array, Array]:
    """Nodes on [-1, 1], their weights, and the rows that turn samples into measures of what is not resolved.

    The first rows give the last Legendre coefficients. The others compare the samples just inside both ends, which
    bear no weight, with what the rest predict for them, lest a kink hide between an end and the first node.
    """
    nodes, weights = legendre.leggauss(ORDER)
    ends = np.array([-JUST_INSIDE, JUST_INSIDE])
    degrees = np.arange(ORDER)
    coefficients = (degrees + 0.5)[:, None] * (legendre.legvander(nodes, ORDER - 1) * weights[:, None]).T
    extrapolation = legendre.legvander(ends, ORDER - 1) @ coefficients
    defects = np.block([[coefficients[WATCHED], np.zeros((len(WATCHED), 2))], [extrapolation, -np.eye(2)]])
    return np.concatenate([nodes, ends]), np.concatenate([weights, np.zeros(2)]), defects


NODES, WEIGHTS, DEFECTS = _rule()
for _constant in (NODES, WEIGHTS, DEFECTS):
    _constant.setflags(write=False)

MAX_ROUNDS = 60  # halvings: a panel of width 1 ends at the spacing of float64 numbers
MAX_PANELS = 2_000


class Integral(NamedTuple):
    """The value of an integral and the edges of the panels that resolve its integrand, in ascending order."""

    value: float
    edges: Array


class QuadratureError(ArithmeticError):
    """The integrand is too rough to integrate: noise, or a precision below float64."""


def integrate(function: Function, edges: Array, tolerance: float = 1e-12) -> Integral:
    """The integral of ``function`` over [edges[0], edges[-1]], panel by panel.

    ``function`` takes and returns arrays of shape [n]. ``edges`` ascend and should hold the known kinks. The
    interpolation error that is left on each panel is at most ``tolerance`` of the integral of |function|; the error of
    the integral is far smaller where the integrand is smooth. Values that are not finite make the integral inf or NaN.

    Raises
    ------
    QuadratureError
        Halving the panels does not resolve the integrand.
    """
    left, right = edges[:-1], edges[1:]
    total = scale = 0.0
    resolved = [edges[-1:]]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(MAX_ROUNDS):
            half = (right - left) / 2
            values = function((left[:, None] + half[:, None] * (NODES + 1)).ravel()).reshape(-1, len(NODES))
            scale = max(scale, float(half @ (np.abs(values) @ WEIGHTS)))
            rough = half * np.abs(values @ DEFECTS.T).max(axis=1) > tolerance * scale
            total += float((half * (values @ WEIGHTS))[~rough].sum())
            resolved.append(left[~rough])
            if not rough.any():
                return Integral(total, np.sort(np.concatenate(resolved)))
            if rough.sum() > MAX_PANELS:
                break
            middle = left[rough] + half[rough]
            left, right = np.concatenate([left[rough], middle]), np.concatenate([middle, right[rough]])
    raise QuadratureError("the function is too rough to integrate; is it computed in float64, without noise?")
