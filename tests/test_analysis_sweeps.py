"""Sweeps over learning rate and depth, and crossed seeds: what is chosen on which seeds, and what follows."""

import math

import numpy as np
import pytest
from scipy import stats
from synthetic_results import Trial, results

from initbench.analysis import analyze, variance_shares

LR = ("init", "optimizer.lr")
DEPTH = ("init", "network.depth")


def at_rate(init, rate, steps, seeds=range(8)):
    """Trials that reach the target at ``steps`` of 100 (None: never), and lose the faster the better."""
    losses = [2.0 if steps is None or 10 * row < steps else 0.4 for row in range(1, 11)]
    return [Trial(init, seed, losses, at={"optimizer.lr": rate}) for seed in seeds]


def diverging(init, rate, seeds=range(8)):
    return [
        Trial(init, seed, (9.0, math.inf), status="diverged", planned=100, at={"optimizer.lr": rate}) for seed in seeds
    ]


def failing(init, rate, seeds):
    return [Trial(init, seed, status="failed", planned=100, at={"optimizer.lr": rate}) for seed in seeds]


def swept(**by_scheme):
    """Trials of a scheme for each rate and its steps."""
    return [t for init, rates in by_scheme.items() for rate, steps in rates.items() for t in at_rate(init, rate, steps)]


FLIP = swept(
    he={0.01: 60, 0.1: 50, 1.0: 70},
    xavier={0.01: 90, 0.1: 80, 1.0: 30},
)


def rates(*trials):
    return analyze(results(*trials, axes=LR)).rates


def test_each_scheme_is_compared_at_its_own_best_rate():
    found = rates(*FLIP)
    assert found.best[["init", "best_rate", "edge"]].to_numpy().tolist() == [
        ["he", 0.1, ""],
        ["xavier", 1.0, "highest"],
    ]
    steps = found.contrasts.iloc[0]
    assert (steps["metric"], steps["pairs"]) == ("steps_to_target", 6)
    assert steps["estimate"] == pytest.approx(30 / 50)


def test_a_winner_that_changes_with_the_rate_is_named():
    said = rates(*FLIP).claims
    assert said[0] == "Each at its own best learning rate (he 0.1, xavier 1; chosen on 2 other seeds):"
    assert said[1] == "xavier reached train loss 0.5 in 0.60× the steps of he (95 % CI 0.60 to 0.60, 6 paired seeds)."
    assert said[2] == "The best rate of xavier is the highest tried; a wider grid may find a better one."
    assert said[3] == "The winner flips: xavier is first at its own best rate, but at equal rates he at 0.01 and 0.1."


def test_the_verdict_on_a_sweep_over_the_rate_is_that_at_the_best_rates():
    found = analyze(results(*FLIP, axes=LR))
    assert found.sentence == (
        "Each at its own best learning rate (he 0.1, xavier 1): xavier was first to train loss 0.5, at a median of 30 "
        "of 100 steps (all 6 seeds), ahead of he at 50 (1.67×, all 6 seeds)."
    )
    alone = analyze(results(*swept(he={0.01: 60, 0.1: 50}), axes=LR)).sentence
    assert alone.startswith("At its own best learning rate (he 0.1): he reached train loss 0.5 in all 6 seeds")
    wild = [*diverging("wild", 0.01), *diverging("wild", 0.1)]
    assert analyze(results(*wild, axes=LR)).sentence.startswith("wild reached train loss 0.5 in none of 2 settings")


def test_a_winner_at_every_rate_is_said_to_be_one():
    said = rates(*swept(he={0.01: 60, 0.1: 50, 1.0: 70}, xavier={0.01: 90, 0.1: 80, 1.0: 90})).claims
    assert (
        "he is first at its own best rate, and at equal rates too: at 3 of the 3 tried, no other scheme at any." in said
    )


def test_the_seeds_that_choose_are_not_those_that_compare():
    # On the two selection seeds 0.1 looks best; on the others, which do not choose, it never reaches the target.
    lucky = [*at_rate("he", 0.1, 20, seeds=range(2)), *at_rate("he", 0.1, None, seeds=range(2, 8))]
    found = rates(*at_rate("he", 0.01, 50), *lucky, *swept(xavier={0.01: 60, 0.1: 70}))
    assert found.selection_seeds == (0, 1)
    assert found.best.iloc[0][["best_rate", "reached", "seeds"]].tolist() == [0.1, 0, 6]


def test_a_rate_at_which_a_selection_seed_diverged_is_never_the_best():
    found = rates(*at_rate("he", 0.01, 90), *diverging("he", 0.1, [0]), *at_rate("he", 0.1, 10, range(1, 8)))
    assert found.best["best_rate"].tolist() == [0.01]


def test_a_scheme_that_always_diverged_has_no_best_rate_and_no_usable_one():
    found = rates(*swept(he={0.01: 50, 0.1: 60}), *diverging("wild", 0.01), *diverging("wild", 0.1))
    assert math.isnan(found.best.iloc[1]["best_rate"])
    assert found.claims[-1].endswith("; wild none.")


def test_the_usable_range_is_the_unbroken_one_around_the_best():
    found = rates(*swept(he={0.001: 90, 0.01: None, 0.1: 60, 1.0: 40, 10.0: None})).best.iloc[0]
    assert found[["usable_low", "usable_high", "usable_decades"]].tolist() == [0.1, 1.0, 1.0]
    assert not found["open_low"]
    assert not found["open_high"]


def test_a_usable_range_that_runs_into_the_end_of_the_grid_is_at_least_that_wide():
    assert rates(*swept(he={0.01: 50, 0.1: 60, 1.0: None})).claims[-1] == (
        "Usable rates: he 0.01 to 0.1 (at least 1.0 decades)."
    )


def test_trials_that_failed_do_not_make_a_rate_unusable():
    # the selection seeds are 0 and 1; of the other six at 0.1, five failed and the one that ran reached the target
    trained = [*at_rate("he", 0.1, 60, seeds=range(3)), *failing("he", 0.1, range(3, 8))]
    found = rates(*at_rate("he", 0.01, 90), *trained).best.iloc[0]
    assert found[["best_rate", "reached", "seeds"]].tolist() == [0.1, 1, 1]
    assert found[["usable_low", "usable_high"]].tolist() == [0.01, 0.1]


@pytest.mark.parametrize(("seeds", "choosing"), [(2, 1), (3, 1), (7, 1), (8, 2), (12, 3)])
def test_a_quarter_of_the_seeds_choose(seeds, choosing):
    trials = [t for rate in (0.01, 0.1) for t in at_rate("he", rate, 50, range(seeds))]
    assert len(rates(*trials).selection_seeds) == choosing


def test_one_seed_cannot_choose_and_compare():
    assert rates(*[t for rate in (0.01, 0.1) for t in at_rate("he", rate, 50, [0])]) is None
    assert analyze(results(*at_rate("he", 0.1, 50))).rates is None  # nothing is swept


def depths(*trials):
    return analyze(results(*trials, axes=DEPTH)).reach


def at_depth(init, depth, *reached):
    return [
        Trial(init, seed, (2.0, 0.4 if fine else 1.5), at={"network.depth": depth}) for seed, fine in enumerate(reached)
    ]


def test_the_greatest_depth_is_the_last_before_one_that_fails():
    trials = [
        *[t for depth in (10, 20, 40) for t in at_depth("he", depth, True, True)],
        *[
            *at_depth("xavier", 10, True, True),
            *at_depth("xavier", 20, True, False),
            *at_depth("xavier", 40, False, False),
        ],
        *[t for depth in (10, 20, 40) for t in at_depth("zeros", depth, False, False)],
    ]
    found = depths(*trials)
    assert found.depths["greatest"].tolist() == [40, 20, pytest.approx(math.nan, nan_ok=True)]
    assert found.claims == (
        "Greatest depth trained to train loss 0.5: he 40 or more, the deepest tried; xavier 20 (not 40); "
        "zeros none (not even 10).",
    )


def test_a_depth_beyond_one_that_fails_is_noted_but_does_not_count():
    found = depths(*at_depth("he", 10, True), *at_depth("he", 20, False), *at_depth("he", 40, True))
    assert found.claims[0].endswith("he 10 (not 20, though it trains 1 greater depth).")


def failing_at_depth(init, depth, seeds):
    return [Trial(init, seed, status="failed", at={"network.depth": depth}) for seed in seeds]


def test_trials_that_failed_are_no_evidence_that_a_depth_is_not_trained():
    partly = [*at_depth("he", 20, True), *failing_at_depth("he", 20, (1, 2, 3))]
    found = depths(*at_depth("he", 10, True), *partly, *at_depth("he", 40, False))
    assert found.depths[["greatest", "fails_at"]].to_numpy().tolist() == [[20, 40]]
    nowhere = [*at_depth("he", 10, True), *failing_at_depth("zeros", 10, (0, 1))]
    assert depths(*nowhere).claims[0].endswith("he 10 or more, the deepest tried; zeros not measured.")


def crossed(grid):
    return [
        Trial("he", seed, (2.0, float(value)), at={"data_seed": data})
        for seed, row in enumerate(grid)
        for data, value in enumerate(row)
    ]


def test_the_variance_of_crossed_seeds_is_split_as_by_hand():
    # Means: rows 1, 2, 6 and columns 2, 4 about 3. MS(weights) = 2 (4 + 1 + 9) / 2, MS(data) = 3 (1 + 1) / 1; residuals
    # are ±0.5, ∓0.5 and 0: MS(both) = (4 × 0.25) / 2.
    grid = np.array([[0.5, 1.5], [0.5, 3.5], [5.0, 7.0]])
    table = analyze(results(*crossed(grid))).variance_shares.set_index("metric")
    row = table.loc["final_train_loss"]
    weights, data, both = (14 - 0.5) / 2, (6 - 0.5) / 3, 0.5
    total = weights + data + both
    assert row[["weights_share", "data_share", "both_share"]].tolist() == pytest.approx(
        [weights / total, data / total, both / total]
    )
    assert row["sd"] == pytest.approx(math.sqrt(total))
    assert row["weights_p"] == pytest.approx(stats.f.sf(14 / 0.5, 2, 2))
    assert row[["weight_seeds", "data_seeds"]].tolist() == [3, 2]


def test_simulated_variance_components_are_recovered():
    rng = np.random.default_rng(3)
    found = []
    for _ in range(400):
        grid = rng.normal(0, 2, (5, 1)) + rng.normal(0, 1, (1, 4)) + rng.normal(0, 1, (5, 4))
        one = variance_shares.shares(grid)
        found.append([one[f"{part}_share"] * one["sd"] ** 2 for part in ("weights", "data", "both")])
    means, errors = np.mean(found, axis=0), np.std(found, axis=0) / math.sqrt(len(found))
    assert means[0] == pytest.approx(4, abs=4 * errors[0])
    assert means[2] == pytest.approx(1, abs=4 * errors[2])
    assert means[1] == pytest.approx(1, abs=4 * errors[1] + 0.1)  # cut off at zero, which lifts small ones a little


def test_an_incomplete_or_uncrossed_table_has_no_shares():
    incomplete = crossed([[0.3, 0.2], [0.4, 0.5]])[:-1]
    assert analyze(results(*incomplete)).variance_shares.empty
    assert analyze(results(*crossed([[0.3], [0.4]]))).variance_shares.empty


def test_a_table_without_scatter_has_no_shares_to_tell():
    found = variance_shares.shares(np.full((3, 2), 0.5))
    assert found["sd"] == 0
    assert math.isnan(found["weights_share"])
