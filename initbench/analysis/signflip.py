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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from initbench.analysis.sets import ROUNDING, Sets

ALPHA = 0.05
MOST_EXACT = 20  # pairs up to which all flips are listed
RESAMPLES = 9_999  # random flips, from a fixed seed, where they are not
MOST_DRAWN = 4_000_000  # signs of random flips held at once

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
    return evidences([differences])[0]


def evidences(contrasts: Sequence[Sequence[float]]) -> list[Evidence]:
    """``evidence`` of many contrasts: those with equally many pairs share their random flips."""
    values = [np.asarray(differences, dtype=float) for differences in contrasts]
    found = {index: _listed(one) for index, one in enumerate(values) if len(one) <= MOST_EXACT}
    for pairs in {len(one) for one in values} - set(range(MOST_EXACT + 1)):
        alike = [index for index, one in enumerate(values) if len(one) == pairs]
        found |= zip(alike, _drawn(np.stack([values[index] for index in alike], axis=1)), strict=True)
    return [found[index] for index in range(len(values))]


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


def _rank(flips: int) -> int:
    """Which of the means in order ends the interval: 2.5 % of the flips lie beyond, or one where that is less."""
    return max(1, math.floor(ALPHA / 2 * flips))


def _level(flips: int) -> float:
    return 1 - 2 * _rank(flips) / flips


def _listed(values: Array) -> Evidence:
    """From all flips."""
    pairs = len(values)
    if pairs < 2:
        nothing = (math.nan, math.nan, math.nan)
        return Evidence(pairs, float(values[0]), *nothing, 1.0) if pairs else Evidence(0, math.nan, *nothing, math.nan)
    sets, flips = Sets(values), 2**pairs
    beyond = min(sets.below(0.0, sets.rounding), sets.above(0.0, sets.rounding))
    low, high = sets.mean(_rank(flips)), sets.mean(flips - _rank(flips))
    return Evidence(pairs, float(values.mean()), low, high, _level(flips), min(1.0, 2 * beyond / flips))


def _drawn(table: Array) -> list[Evidence]:
    """From random flips, for each column of differences [pairs, contrasts]."""
    pairs, flips, rank = len(table), RESAMPLES + 1, _rank(RESAMPLES + 1)
    parts = [(some @ table, some.sum(axis=1, keepdims=True)) for some in _random_sets(pairs)]
    sums, sizes = (np.concatenate(part) for part in zip(*parts, strict=True))
    means = np.partition(sums / sizes, [rank - 1, len(sums) - rank], axis=0)
    sums[np.abs(sums) <= ROUNDING * np.abs(table).sum(axis=0)] = 0.0
    beyond = 1 + np.minimum((sums <= 0).sum(axis=0), (sums >= 0).sum(axis=0))  # and the empty set
    p = np.minimum(1.0, 2 * beyond / flips)
    ends = zip(table.T, means[rank - 1], means[-rank], p, strict=True)
    return [
        Evidence(pairs, float(own.mean()), float(low), float(high), _level(flips), float(chance))
        for own, low, high, chance in ends
    ]


def _random_sets(pairs: int) -> Iterator[Array]:
    """Non-empty sets as rows of ones and zeros, some at a time."""
    rng, left = np.random.default_rng(0), RESAMPLES
    size = max(1, MOST_DRAWN // pairs)
    for first in range(0, RESAMPLES + 1, size):
        drawn = rng.integers(0, 2, size=(min(size, RESAMPLES + 1 - first), pairs))
        members = drawn[drawn.any(axis=1)][:left]
        left -= len(members)
        yield members.astype(float)
