"""Intervals over the seeds of one scheme, against scipy's distributions and published tables."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from synthetic_results import Trial, results

from initbench.analysis import analyze, intervals


def test_the_interval_of_a_mean_is_students():
    values = pd.Series([0.2, 0.4, 0.3, 0.6])
    half = 3.182446 * values.std() / 2  # t of three degrees of freedom, from the table
    found = intervals.of_mean(values)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-6)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.inf]])
def test_no_interval_without_two_finite_values(values):
    assert math.isnan(intervals.of_mean(pd.Series(values, dtype=float)).low)


@pytest.mark.parametrize(("count", "rank"), [(6, 1), (8, 1), (9, 2), (12, 3), (15, 4), (20, 6)])
def test_the_interval_of_a_median_has_the_ranks_of_the_sign_test(count, rank):
    # Ranks from the tables in Conover, 1999, appendix A3: the largest r with 2 P(Binomial(n, 1/2) < r) ≤ 0.05.
    assert 2 * stats.binom.cdf(rank - 1, count, 0.5) <= 0.05 < 2 * stats.binom.cdf(rank, count, 0.5)
    found = intervals.of_median(pd.Series(np.arange(1.0, count + 1)))
    assert (found.low, found.high, found.level) == (rank, count + 1 - rank, 0.95)


def test_a_miss_leaves_the_interval_of_a_median_open():
    found = intervals.of_median(pd.Series([20.0, 30, 40, 50, 60, math.inf]))
    assert (found.low, found.high) == (20, math.inf)


@pytest.mark.parametrize(("count", "level"), [(2, 0.5), (3, 0.75), (5, 0.9375)])
def test_with_fewer_than_six_seeds_the_range_stands_in_at_its_own_level(count, level):
    found = intervals.of_median(pd.Series(np.arange(1.0, count + 1)))
    assert (found.low, found.high, found.level) == (1, count, level)


def test_the_summary_of_a_scheme_names_its_means():
    finals = (0.2, 0.3, 0.45)
    row = analyze(results(*(Trial("he", seed, (2.0, final)) for seed, final in enumerate(finals)))).schemes.iloc[0]
    assert row["final_train_loss_mean"] == pytest.approx(sum(finals) / 3)
    assert row["final_train_loss_geomean"] == pytest.approx(math.prod(finals) ** (1 / 3))
    assert row["final_train_loss_low"] < row["final_train_loss_geomean"] < row["final_train_loss_high"]
    assert row["loss_area_mean"] == pytest.approx(10 * (2.0 + sum(finals) / 3))
    assert row["best_train_loss_mean"] == pytest.approx(sum(finals) / 3)
    assert row["best_train_loss"] == 0.2


def test_a_miss_makes_quantiles_and_the_geometric_mean_infinite_and_is_never_interpolated():
    trials = [Trial("he", seed, (2.0, 0.4) if seed < 3 else (2.0, 1.0)) for seed in range(4)]
    row = analyze(results(*trials)).schemes.iloc[0]
    steps = row[[f"steps_to_target_{part}" for part in ("q25", "median", "q75", "max", "geomean")]]
    assert steps.tolist() == [20, 20, 20, math.inf, math.inf]
