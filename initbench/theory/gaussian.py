"""Gaussian expectations (first draft: a fixed composite rule)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Function = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def expectation(function: Function) -> float:
    """E[f(z)], z ~ N(0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(-12.0, 12.0, 193)
    half = (edges[1:] - edges[:-1]) / 2
    z = (edges[:-1, None] + half[:, None] * (nodes + 1)).ravel()
    w = (half[:, None] * weights).ravel() * np.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return float(w @ function(z))


def gain(function: Function) -> float:
    """1/sqrt(E[f(z)^2])."""
    return 1 / math.sqrt(expectation(lambda z: function(z) ** 2))


def std_gain(function: Function) -> float:
    """1/sqrt(Var[f(z)])."""
    return 1 / math.sqrt(expectation(lambda z: function(z) ** 2) - expectation(function) ** 2)
