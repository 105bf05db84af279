"""Roots of monotone pieces, by Brent's method."""

from __future__ import annotations

from collections.abc import Callable


def root(function: Callable[[float], float], low: float, high: float, *, tolerance: float) -> float:
    """Where ``function`` crosses zero between two points at which its signs differ, to an absolute ``tolerance``."""
    from scipy.optimize import brentq  # a third of a second to import, which a run that asks for no root should not pay

    return float(brentq(function, low, high, xtol=tolerance))
