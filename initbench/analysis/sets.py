"""The sums and means of all sets of some numbers, counted and ranked without going through all of them.

n numbers have 2ⁿ sets, a million for n = 20. Each is a set of the first half of the numbers and one of the second, and
the halves have a thousand each. The sets with a sum of at most t are counted by looking up, for each of one half, how
many sums of the other, once sorted, are small enough. A mean is at most m exactly if the sum of the numbers less m is
not positive, so means are counted the same way; the k-th smallest is enclosed by bisection until few are left to sort.

Horowitz and Sahni, "Computing partitions with applications to the knapsack problem", 1974, section 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDING = 100 * float(np.finfo(float).eps)  # of a sum, relative to that of the magnitudes: what lies closer is a tie

_FEW = 4096  # sets that are ranked by sorting
_BISECTIONS = 60  # after which what is left are ties

Array = NDArray[np.float64]


class Sets:
    """All sets of ``values``, the empty one among them."""

    def __init__(self, values: Array) -> None:
        half = len(values) // 2
        self.rounding = ROUNDING * float(np.abs(values).sum())
        self._ends = float(values.min()), float(values.max())
        self._count = len(values)
        self._halves = [(_over_sets(part), _over_sets(np.ones_like(part))) for part in (values[:half], values[half:])]

    def below(self, mean: float, slack: float = 0.0) -> int:
        """How many sets have numbers that, less ``mean`` each, add up to at most ``slack``."""
        left, right = self._less(mean)
        return int(np.searchsorted(np.sort(right), slack - left, side="right").sum())

    def above(self, mean: float, slack: float = 0.0) -> int:
        """How many sets have numbers that, less ``mean`` each, add up to at least ``-slack``."""
        left, right = self._less(mean)
        return len(left) * len(right) - int(np.searchsorted(np.sort(right), -slack - left, side="left").sum())

    def mean(self, rank: int) -> float:
        """The mean of that rank, from 1 for the smallest, among those of all sets but the empty one."""
        low, high = self._ends
        under, over = 0, 2**self._count
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            if over - under <= _FEW or not low < middle < high:
                break
            count = self.below(middle) - 1  # without the empty set
            low, high, under, over = (middle, high, count, over) if count < rank else (low, middle, under, count)
        return self._between(low, high, rank)

    def _between(self, low: float, high: float, rank: int) -> float:
        """The mean of a rank that is known to lie between two values."""
        middle = (low + high) / 2
        slack = self._count * (high - low) / 2 * (1 + ROUNDING) + self.rounding
        left, right = self._less(middle)
        order = np.argsort(right)
        first = np.searchsorted(right[order], -slack - left, side="left")
        last = np.searchsorted(right[order], slack - left, side="right")
        widths = last - first
        one = np.repeat(np.arange(len(left)), widths)
        other = order[np.arange(len(one)) + np.repeat(first - np.cumsum(widths) + widths, widths)]
        (sums, sizes), (more_sums, more_sizes) = self._halves
        size = sizes[one] + more_sizes[other]
        means = (sums[one] + more_sums[other])[size > 0] / size[size > 0]
        place = rank - 1 - int(first.sum())
        return float(np.partition(means, place)[place])

    def _less(self, mean: float) -> tuple[Array, Array]:
        """The sums over the sets of either half, every number less ``mean``."""
        (left, sizes), (right, more_sizes) = self._halves
        return left - mean * sizes, right - mean * more_sizes


def _over_sets(values: Array) -> Array:
    """The sums of all sets: those without a value, then the same with it."""
    sums = np.zeros(2 ** len(values))
    for index, value in enumerate(values):
        np.add(sums[: 2**index], value, out=sums[2**index : 2 ** (index + 1)])
    return sums
