"""Exact inference from paired differences: the sign-flip test, and the interval that inverts it.

Two schemes that start from the same seed and see the same batches form a pair. If the schemes do not differ, either of
the two could have had either result, so every difference could as well have had the other sign: the 2ⁿ flips of n
differences are equally likely. The p-value is the share of flips whose mean is at least as far from zero as the one
observed. Nothing is assumed about the shape of the distribution.

Flipping the differences in a set moves the mean away from zero exactly if the sum over the set is not on its side of
zero. So the flips that count are the sets, the empty one among them, whose sum is not positive (or not negative), and
the interval, which holds every shift that the test does not reject, ends at order statistics of the means of all
non-empty sets: the k-th smallest and the k-th largest enclose the center of a symmetric distribution with probability
1 - 2k / 2ⁿ. It excludes zero if and only if p ≤ 0.05.

The test can do no better than p = 2 / 2ⁿ: five pairs never come below 0.0625, however large the difference. With fewer
than six there is no 95 % interval, and the range of the differences stands in for it, at its own level.

Where there are too many flips to list, random ones stand for them. The observed differences are themselves one of the
flips and are counted as such, which keeps the test valid however few are drawn.

Hartigan, "Using subsample values as typical values", 1969, theorem 1; Lehmann and Romano, "Testing Statistical
Hypotheses", 3rd edition, 2005, section 15.2; Phipson and Smyth, "Permutation P-values should never be zero", 2010;
Holm, "A simple sequentially rejective multiple test procedure", 1979.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05
MOST_EXACT = 20  # pairs up to which all flips are listed
RESAMPLES = 9_999  # random flips, from a fixed seed, where they are not

_ROUNDING = 100 * float(np.finfo(float).eps)  # of a sum, relative to that of the magnitudes: what lies closer is a tie

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What n paired differences say about their center.

    ``low`` and ``high`` enclose it at ``level``: at least 0.95, or with fewer than six pairs the level of their range.
    ``p`` is two-sided and not corrected for other comparisons. All are NaN without a pair.
    """

    pairs: int
    estimate: float
    low: float
    high: float
    level: float
    p: float


def evidence(differences: Sequence[float]) -> Evidence:
    """The mean of paired differences (finite), its interval, and the exact p-value of no difference."""
    values = np.asarray(differences, dtype=float)
    pairs = len(values)
    if not pairs:
        return Evidence(0, math.nan, math.nan, math.nan, math.nan, math.nan)
    sums, sizes = _sets(values)
    sums[np.abs(sums) <= _ROUNDING * np.abs(values).sum()] = 0.0
    beyond = 1 + min(int((sums <= 0).sum()), int((sums >= 0).sum()))  # and the empty set
    p = min(1.0, 2 * beyond / (len(sums) + 1))
    low, high, level = _interval(sums / sizes) if pairs > 1 else (math.nan, math.nan, math.nan)
    return Evidence(pairs, float(values.mean()), low, high, level, p)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, each comparable with ``ALPHA``; a NaN stays one and does not count."""
    tested = sorted((p, index) for index, p in enumerate(p_values) if not math.isnan(p))
    corrected = [math.nan] * len(p_values)
    largest = 0.0
    for rank, (p, index) in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - rank) * p))
        corrected[index] = largest
    return corrected


def pairs_needed(contrasts: int) -> int:
    """The fewest pairs with which the first of so many contrasts can be decided: 6 for one, 7 for two, 8 up to six."""
    return math.ceil(1 + math.log2(max(contrasts, 1) / ALPHA))


def _interval(means: Array) -> tuple[float, float, float]:
    """The ends that leave out 2.5 % of the flips each, or one where that is less, and their level."""
    flips = len(means) + 1
    rank = max(1, math.floor(ALPHA / 2 * flips))
    ends = np.partition(means, [rank - 1, len(means) - rank])
    return float(ends[rank - 1]), float(ends[-rank]), 1 - 2 * rank / flips


def _sets(values: Array) -> tuple[Array, Array]:
    """The sums and sizes of all non-empty sets of values, or of as many random ones as stand for them."""
    if len(values) > MOST_EXACT:
        drawn = np.random.default_rng(0).integers(0, 2, size=(RESAMPLES + 1, len(values)))
        members = drawn[drawn.any(axis=1)][:RESAMPLES]
        return np.asarray(members @ values), np.asarray(members.sum(axis=1), dtype=float)
    return _over_sets(values), _over_sets(np.ones_like(values))


def _over_sets(values: Array) -> Array:
    """The sums of all non-empty sets: those without a value, then the same with it."""
    sums = np.zeros(2 ** len(values))
    for index, value in enumerate(values):
        np.add(sums[: 2**index], value, out=sums[2**index : 2 ** (index + 1)])
    return sums[1:]
