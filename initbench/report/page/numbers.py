"""Numbers on their way into the page: four significant digits, null for what is not finite, series made short."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Number = float | int | None


def number(value: float) -> Number:
    """A number as JSON knows it; a whole one without its ``.0``."""
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def numbers(values: Iterable[float]) -> list[Number]:
    """``number`` of each."""
    return [number(float(value)) for value in values]


def picked(length: int, most: int) -> NDArray[np.intp]:
    """Positions of at most ``most`` rows spread evenly over ``length``, both ends among them."""
    if length <= most:
        return np.arange(length)
    return np.unique(np.linspace(0, length - 1, max(most, 2)).round().astype(np.intp))
