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
from typing import Any

import numpy as np
import pandas as pd

LEVEL = 0.95
QUARTILES = (0.25, 0.75)


@dataclass(frozen=True)
class Interval:
    """Ends of an interval and its level; NaN where there are too few values for any."""

    low: float
    high: float
    level: float


_NONE = Interval(math.nan, math.nan, math.nan)


def of_median(values: pd.Series) -> Interval:
    """The interval of a median; ``values`` may be infinite, but not NaN."""
    from scipy import stats  # slow to import, and not every command compares

    if len(values) < 2:
        return _NONE
    found: Any = stats.quantile_test(values.to_numpy(float), q=0, p=0.5)
    low, high = found.confidence_interval(LEVEL)
    if math.isnan(low) or math.isnan(high):
        return Interval(float(values.min()), float(values.max()), 1 - 2.0 ** (1 - len(values)))
    return Interval(float(low), float(high), LEVEL)


def of_mean(values: pd.Series) -> Interval:
    """Student's t interval of a mean of finite values."""
    from scipy import stats  # slow to import, and not every command compares

    if len(values) < 2 or not np.isfinite(values).all():
        return _NONE
    if (values == values.iloc[0]).all():
        return Interval(float(values.iloc[0]), float(values.iloc[0]), LEVEL)
    found: Any = stats.ttest_1samp(values.to_numpy(float), 0.0)
    low, high = found.confidence_interval(LEVEL)
    return Interval(float(low), float(high), LEVEL)


def geometric_mean(values: pd.Series) -> float:
    """The geometric mean; infinite if a value is, NaN where one is not positive."""
    from scipy import stats  # slow to import, and not every command compares

    if values.empty or (values <= 0).any() or values.isna().any():
        return math.nan
    return math.inf if np.isinf(values).any() else float(stats.gmean(values))


def quantile(values: pd.Series, share: float) -> float:
    """A quantile that is one of the values, so that infinite ones are never interpolated."""
    return float(np.quantile(values.to_numpy(float), share, method="inverted_cdf")) if len(values) else math.nan
