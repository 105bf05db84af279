"""Intervals of one scheme over its seeds: what a few seeds can say, and how.

- A *median* of steps to the target, a miss counting as infinite: the order-statistic interval that inverts the sign
  test, exact whatever the distribution, at 95 % from six seeds on. With fewer there is none at that level, and the
  range from the fastest to the slowest seed stands in for it, at its own level of 1 - 2 / 2ⁿ.
- A *mean*: Student's t interval. It assumes a normal distribution and, unlike the bootstrap, stays honest with three to
  five seeds: percentile and BCa intervals resample the few values there are and come out too narrow.
- A *geometric mean*: the t interval of the logarithms.

Conover, "Practical Nonparametric Statistics", 3rd edition, 1999, section 3.2, for the median.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64] | pd.Series

LEVEL = 0.95
QUARTILES = (0.25, 0.75)


@dataclass(frozen=True)
class Interval:
    """Ends of an interval and its level; NaN where there are too few values for any."""

    low: float
    high: float
    level: float


_NONE = Interval(math.nan, math.nan, math.nan)


def of_median(values: Values) -> Interval:
    """The interval of a median; ``values`` may be infinite, but not NaN."""
    if len(values) < 2:
        return _NONE
    ordered = np.sort(np.asarray(values, dtype=float))
    low, high = _median_ranks(len(ordered))
    if low < 0 or high >= len(ordered):
        return Interval(float(ordered[0]), float(ordered[-1]), 1 - 2.0 ** (1 - len(ordered)))
    return Interval(float(ordered[low]), float(ordered[high]), LEVEL)


def of_mean(values: Values) -> Interval:
    """Student's t interval of a mean of finite values."""
    from scipy import special  # slow to import, and not every command compares

    numbers = np.asarray(values, dtype=float)
    if len(numbers) < 2 or not np.isfinite(numbers).all():
        return _NONE
    if (numbers == numbers[0]).all():
        return Interval(float(numbers[0]), float(numbers[0]), LEVEL)
    mean, error = float(numbers.mean()), float(np.sqrt(numbers.var(ddof=1) / len(numbers)))
    tail = (1 - LEVEL) / 2
    low, high = special.stdtrit(len(numbers) - 1, [tail, 1 - tail])
    return Interval(float(low * error + mean), float(high * error + mean), LEVEL)


def geometric_mean(values: Values) -> float:
    """The geometric mean; infinite if a value is, NaN where one is not positive."""
    numbers = np.asarray(values, dtype=float)
    if not len(numbers) or not (numbers > 0).all():
        return math.nan
    return math.inf if np.isinf(numbers).any() else float(np.exp(np.log(numbers).mean()))


def quantile(values: Values, share: float) -> float:
    """A quantile that is one of the values, so that infinite ones are never interpolated."""
    return (
        float(np.quantile(np.asarray(values, dtype=float), share, method="inverted_cdf")) if len(values) else math.nan
    )


@cache
def _median_ranks(count: int) -> tuple[int, int]:
    """Which of so many ordered values, from 0, end what the sign test does not reject; they may lie outside."""
    from scipy import special  # scipy.stats would take half a second to import

    below = special.bdtr(np.arange(count + 1), count, 0.5)  # the chance that at most k of the values are
    low = int(np.searchsorted(below, (1 - LEVEL) / 2)) - 1
    return low, count - 1 - low
