"""Sign flips: p-values and intervals against enumeration by hand, and the agreement of the two."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

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


def test_ties_count_however_the_logarithms_were_rounded():
    steps = np.array([[20, 70], [30, 20], [120, 100], [60, 70], [40, 70], [10, 10]])
    values = [math.log(late) - math.log(soon) for soon, late in steps]
    # ln 3.5 - ln 1.5 - ... in whole numbers: a set's sum is zero where the products of its steps are equal.
    products = [[math.prod(steps[list(members), side].tolist()) for side in (0, 1)]
                for size in range(7) for members in combinations(range(6), size)]  # fmt: skip
    beyond = min(sum(late <= soon for soon, late in products), sum(late >= soon for soon, late in products))
    assert signflip.evidence(values).p == min(1.0, 2 * beyond / 2**6)


@pytest.mark.parametrize("pairs", [11, 16])
def test_the_p_value_is_that_of_scipy(pairs):
    values = np.random.default_rng(pairs).normal(0.3, 1.0, size=pairs)
    expected = permutation_p(values, 2**pairs)
    assert 0.01 < expected < 0.5
    assert signflip.evidence(list(values)).p == pytest.approx(expected, rel=1e-12)


def test_with_twenty_pairs_the_interval_still_ends_where_the_test_begins_to_reject():
    values = np.random.default_rng(4).normal(0.6, 1.0, size=20)
    found = signflip.evidence(list(values))
    beside = 1e-6 * (found.high - found.low)  # the nearest other set's mean lies further off
    rejected = {
        shift: signflip.evidence(list(values - shift)).p <= signflip.ALPHA
        for shift in (found.low - beside, found.low + beside, found.high - beside, found.high + beside)
    }
    assert list(rejected.values()) == [True, False, False, True]


def test_beyond_enumeration_the_p_value_is_sampled_and_the_same_every_time():
    values = list(np.random.default_rng(5).normal(0.55, 1.0, size=30))
    sampled, other = signflip.evidence(values), permutation_p(np.array(values), signflip.RESAMPLES)
    # Either is twice a share of so many random flips: 4 standard deviations of the difference of two.
    deviation = 2 * math.sqrt(2 * sampled.p / 2 * (1 - sampled.p / 2) / signflip.RESAMPLES)
    assert 0.005 < sampled.p < 0.2
    assert sampled.p == pytest.approx(other, abs=4 * deviation)
    assert (sampled.p <= signflip.ALPHA) == (sampled.low > 0)
    assert signflip.evidence(values) == sampled


def test_a_sampled_p_value_is_never_zero():
    assert signflip.evidence([1.0 + pair for pair in range(40)]).p == 2 / (signflip.RESAMPLES + 1)


def permutation_p(values, flips):
    """The p-value of scipy: all flips where there are no more than asked for, else so many random ones."""
    found = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=flips, rng=np.random.default_rng(1)
    )
    return float(found.pvalue)


def test_holm_agrees_with_its_definition():
    p_values = [0.01, 0.04, 0.03, 0.005, 0.5]
    ranked = sorted(range(5), key=lambda index: p_values[index])
    expected = {}
    for rank, index in enumerate(ranked):
        expected[index] = max((5 - earlier) * p_values[ranked[earlier]] for earlier in range(rank + 1))
    assert signflip.holm(p_values) == pytest.approx([min(1, expected[index]) for index in range(5)])
    assert signflip.holm([]) == []


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
