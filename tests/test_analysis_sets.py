"""All sets of some numbers, held against listing them."""

import math
from itertools import combinations

import numpy as np
import pytest

from initbench.analysis.sets import Sets


def listed(values: list[float]) -> list[tuple[float, ...]]:
    return [chosen for size in range(1, len(values) + 1) for chosen in combinations(values, size)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [2, 3, 7, 13])
@pytest.mark.parametrize("decimals", [0, 1, 15], ids=["many ties", "some ties", "no ties"])
def test_sets_are_counted_and_ranked_as_if_listed(count: int, decimals: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(0.3, 1.0, count).round(decimals).tolist()
    sets, all_sets = Sets(np.array(values)), listed(values)
    sums = np.array([0.0, *map(math.fsum, all_sets)])
    sums[np.abs(sums) <= sets.rounding] = 0.0  # the sum of a tie depends on the order in which it is added up
    assert sets.below(0.0, sets.rounding) == (sums <= 0).sum()
    assert sets.above(0.0, sets.rounding) == (sums >= 0).sum()
    means = np.sort([math.fsum(chosen) / len(chosen) for chosen in all_sets])
    ranks = {1, 2, len(means) // 40 + 1, len(means) // 2, len(means) - 1, len(means)}
    found = {rank: sets.mean(rank) for rank in sorted(ranks)}
    assert found == pytest.approx({rank: means[rank - 1] for rank in ranks}, rel=1e-12, abs=1e-14)


def test_equal_numbers_have_one_mean() -> None:
    sets = Sets(np.full(12, 0.1))
    assert [sets.mean(rank) for rank in (1, 100, 4095)] == pytest.approx([0.1] * 3, rel=1e-15)
