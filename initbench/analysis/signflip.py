"""Exact inference from paired differences: the sign-flip test, and the interval that inverts it.

Two schemes that start from the same seed and see the same batches form a pair. If the schemes do not differ, either of
the two could have had either result, so every difference could as well have had the other sign: the 2ⁿ flips of n
differences are equally likely. The p-value is the share of flips whose mean is at least as far from zero as the one
observed. Nothing is assumed about the shape of the distribution.

The interval holds every shift that the test does not reject. Its ends are order statistics of the means of all 2ⁿ - 1
non-empty subsets of the differences: the k-th smallest and the k-th largest enclose the center of a symmetric
distribution with probability 1 - 2k / 2ⁿ. So the interval excludes zero if and only if p ≤ 0.05.

The test can do no better than p = 2 / 2ⁿ: five pairs never come below 0.0625, however large the difference. With fewer
than six there is no 95 % interval, and the range of the differences stands in for it, at its own level.

Hartigan, "Using subsample values as typical values", 1969, theorem 1; Lehmann and Romano, "Testing Statistical
Hypotheses", 3rd edition, 2005, section 15.2; Holm, "A simple sequentially rejective multiple test procedure", 1979.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05
MOST_EXACT = 12  # pairs up to which all flips are enumerated
RESAMPLES = 9_999  # random flips, from a fixed seed, where they are not

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
    if not len(values):
        return Evidence(0, math.nan, math.nan, math.nan, math.nan, math.nan)
    low, high, level = _interval(values)
    return Evidence(len(values), float(values.mean()), low, high, level, _p_value(values))


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


def _p_value(values: Array) -> float:
    from scipy import stats  # slow to import, and not every command compares

    if len(values) == 1 or not np.any(values):
        return 1.0  # every flip is as far from zero as what was observed
    exact = len(values) <= MOST_EXACT
    found = stats.permutation_test(
        (values,),
        _mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**MOST_EXACT if exact else RESAMPLES,
        rng=np.random.default_rng(0),
    )
    return min(1.0, float(found.pvalue))


def _mean(values: Array, axis: int = -1) -> Array:
    return np.asarray(values.mean(axis=axis))


def _interval(values: Array) -> tuple[float, float, float]:
    pairs = len(values)
    if pairs == 1:
        return math.nan, math.nan, math.nan
    means = np.sort(_subset_means(values))
    flips = len(means) + 1
    rank = max(1, math.floor(ALPHA / 2 * flips))
    return float(means[rank - 1]), float(means[-rank]), 1 - 2 * rank / flips


def _subset_means(values: Array) -> Array:
    """The means of all non-empty subsets, or of as many random ones as the test flips at random."""
    pairs = len(values)
    if pairs <= MOST_EXACT:
        numbers = np.arange(1, 2**pairs)
        members = (numbers[:, None] >> np.arange(pairs)) & 1
    else:
        drawn = np.random.default_rng(0).integers(0, 2, size=(RESAMPLES + 1, pairs))
        members = drawn[drawn.any(axis=1)][:RESAMPLES]
    return np.asarray((members @ values) / members.sum(axis=1))
