"""Sign flips: p-values and intervals against enumeration by hand, and the agreement of the two."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initbench.analysis import signflip

differences = st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=9)


def enumerated_p(values):
    """The share of all sign flips whose sum is at least as far from zero as the observed one, in whole numbers."""
    flips = [sum(sign * value for sign, value in zip(signs, values, strict=True))
             for signs in product((1, -1), repeat=len(values))]  # fmt: skip
    return sum(abs(total) >= abs(sum(values)) for total in flips) / len(flips)


def subset_means(values):
    return sorted(float(np.mean(s)) for size in range(1, len(values) + 1) for s in combinations(values, size))


@settings(deadline=None, max_examples=60)
@given(differences)
def test_the_p_value_is_that_of_an_enumeration(values):
    assert signflip.evidence(values).p == pytest.approx(enumerated_p(values))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-1000, 1000).map(float), min_size=6, max_size=9))
def test_the_interval_excludes_a_shift_if_and_only_if_the_test_rejects_it(values):
    found = signflip.evidence(values)
    for shift in (-10.5, 0.0, 3.5, found.low - 1, found.high + 1):
        rejected = enumerated_p([2 * (value - shift) for value in values]) <= signflip.ALPHA
        assert rejected == (shift < found.low or shift > found.high)


def test_the_interval_of_six_pairs_is_their_range_at_31_32():
    found = signflip.evidence([3.0, 1.0, 4.0, 1.5, 9.0, 2.6])
    assert (found.low, found.high, found.level) == (1.0, 9.0, 31 / 32)
    assert found.estimate == pytest.approx(21.1 / 6)


def test_the_interval_of_eight_pairs_leaves_out_six_subset_means_at_each_end():
    values = [0.3, -0.2, 0.5, 0.9, 1.4, 0.1, 0.7, 0.25]
    means = subset_means(values)  # 2.5 % of 256 is 6.4
    found = signflip.evidence(values)
    assert (found.low, found.high) == pytest.approx((means[5], means[-6]))
    assert found.level == 1 - 12 / 256


@pytest.mark.parametrize(("pairs", "level"), [(2, 0.5), (3, 0.75), (4, 0.875), (5, 0.9375)])
def test_fewer_than_six_pairs_never_reach_five_percent_and_their_range_says_its_level(pairs, level):
    values = [1.0 + pair / 100 for pair in range(pairs)]
    found = signflip.evidence(values)
    assert found.p == 1 - level > signflip.ALPHA
    assert (found.low, found.high, found.level) == (values[0], values[-1], level)


def test_one_pair_and_none_have_no_interval():
    one, none = signflip.evidence([2.0]), signflip.evidence([])
    assert (one.pairs, one.estimate, one.p) == (1, 2.0, 1.0)
    assert math.isnan(one.low)
    assert none.pairs == 0
    assert math.isnan(none.p)


def test_pairs_without_a_difference_are_no_evidence():
    assert signflip.evidence([0.0] * 8).p == 1.0
    assert signflip.evidence([1.0] * 6 + [0.0]).p == 2 / 2**6  # a flip of zero changes nothing


def test_beyond_enumeration_the_p_value_is_sampled_and_the_same_every_time():
    values = list(np.random.default_rng(5).normal(0.5, 1.0, size=16))
    sampled, exact = signflip.evidence(values), enumerated_p(values)
    deviation = math.sqrt(exact * (1 - exact) / signflip.RESAMPLES)
    assert sampled.p == pytest.approx(exact, abs=4 * deviation + 2 / signflip.RESAMPLES)
    means = np.array(subset_means(values))
    # The rank of a sampled order statistic among all means is binomial: 4 standard deviations of its share.
    share = 0.025 + 4 * math.sqrt(0.025 * 0.975 / signflip.RESAMPLES)
    assert (means < sampled.low).mean() < share
    assert (means > sampled.high).mean() < share
    assert signflip.evidence(values) == sampled


@pytest.mark.parametrize(
    ("given", "corrected"),
    [
        ([0.03], [0.03]),
        ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),  # Holm, 1979: 3 × 0.01, 2 × 0.03, and 0.04 no smaller than that
        ([0.5, 0.9], [1.0, 1.0]),
        ([0.02, math.nan, 0.02], [0.04, math.nan, 0.04]),
        ([], []),
    ],
)
def test_corrected_p_values_are_those_of_holm(given, corrected):
    assert signflip.holm(given) == pytest.approx(corrected, nan_ok=True)


@pytest.mark.parametrize(("contrasts", "pairs"), [(1, 6), (2, 7), (3, 7), (4, 8), (6, 8), (7, 9)])
def test_the_pairs_needed_are_the_fewest_that_can_pass_the_correction(contrasts, pairs):
    assert signflip.pairs_needed(contrasts) == pairs
    assert signflip.holm([2 / 2**pairs] * contrasts)[0] <= signflip.ALPHA < signflip.holm([4 / 2**pairs] * contrasts)[0]
