"""Calibration: how often a difference is claimed where there is none, and how often where there is one."""

import math
from itertools import product

import numpy as np
import pytest

from benchmarks import calibration
from initbench.analysis import signflip

COMPARISONS = 1000
CLAIMS = 0.05
# Three standard deviations of a share of 1000 comparisons of which 5 % claim.
ROOM = 3 * math.sqrt(CLAIMS * (1 - CLAIMS) / COMPARISONS)


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [3, 4, 5, 6, 8, 20])
def test_without_a_difference_at_most_one_comparison_in_twenty_claims_one(seeds):
    share = calibration.share_claimed(seeds, (1.0,), COMPARISONS)
    assert share <= CLAIMS + ROOM
    assert (share == 0) == (seeds < 6)  # with fewer than six nothing is ever claimed


@pytest.mark.parametrize("seeds", [3, 5, 6, 7, 8, 10, 16])
def test_over_all_signs_of_the_same_differences_never_more_than_one_in_twenty_is_claimed(seeds):
    share = calibration.exact_share(seeds, 20)
    assert share <= 2 * math.floor(CLAIMS / 2 * 2**seeds) / 2**seeds <= CLAIMS  # a bound, without any room
    assert (share > 0) == (seeds >= 6)


def test_the_exact_share_is_that_of_the_claims_themselves():
    reference, steps = calibration.log_steps(np.random.default_rng(3), 7, (1.0,))
    flips = [np.abs(steps - reference) * signs for signs in product((1, -1), repeat=7)]
    claims = [signflip.evidence(list(flip)).p <= signflip.ALPHA for flip in flips]
    assert calibration._flips_claimed(reference, steps) == np.mean(claims) > 0


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [7, 8])
def test_of_four_schemes_without_a_difference_hardly_any_family_claims_one(seeds):
    assert calibration.share_claimed(seeds, (1.0, 1.0, 1.0), COMPARISONS) <= CLAIMS + ROOM


def test_a_factor_of_two_is_found_and_more_seeds_find_more():
    found = [calibration.share_claimed(seeds, (2.0,), 100) for seeds in (5, 6, 8)]
    assert found[0] == 0
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.95


def test_made_up_steps_scatter_as_described():
    steps = np.exp(calibration.log_steps(np.random.default_rng(0), 20_000, (2.0,)))
    # Medians of 20 000: late runs push the median up by the quantile that they take away, about 2 % here.
    assert np.median(steps[0]) == pytest.approx(calibration.MEDIAN, rel=0.06)
    assert np.median(steps[1] / steps[0]) == pytest.approx(2.0, rel=0.03)
    assert set(steps.round().ravel() % calibration.EVERY) == {0.0}
    assert steps.max() <= calibration.BUDGET * (1 + 1e-12)


def test_the_table_of_the_documentation_has_a_row_for_each_number_of_seeds():
    rows = [calibration.Calibration(6, 0.03, 0.031, 0.0, (0.1, 0.52, 1.0))]
    assert calibration.markdown(rows).splitlines() == [
        "| seeds | false claims, exact | simulated | simulated, 4 schemes "
        "| power at 10 % | power at 25 % | power at 2× |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| 6 | 3.0 % | 3.1 % | 0.0 % | 10.0 % | 52.0 % | 100.0 % |",
    ]
