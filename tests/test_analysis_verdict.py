"""The verdict: each case read as the sentence that people will quote."""

import math

import pytest
from synthetic_results import Trial, results

from initbench.analysis import analyze, wording

DEPTH = ("init", "network.depth")


def sentence(*trials, **options):
    return analyze(results(*trials, **options)).sentence


def reaching(init, *steps, budget=50, **at):
    """A trial per entry that reaches the target 0.5 at that step; None never does, but falls."""
    every = [10 * (index + 1) for index in range(budget // 10)]
    return [
        Trial(init, seed, [0.5 if step and now >= step else 2.0 - now / 100 for now in every], at=at)
        for seed, step in enumerate(steps)
    ]


def test_the_first_is_named_with_its_lead():
    assert sentence(*reaching("he", 20, 20, 20), *reaching("xavier", 50, 50, 50)) == (
        "he was first to train loss 0.5, at a median of 20 of 50 steps (all 3 seeds), "
        "ahead of xavier at 50 (2.50×, all 3 seeds)."
    )


def test_overlapping_seeds_are_admitted():
    assert sentence(*reaching("he", 20, 30, 40), *reaching("xavier", 30, 40, 50)).endswith(
        "; the ranges of he and xavier over the seeds overlap."
    )


def test_those_who_never_did_or_did_only_now_and_then_are_named():
    trials = [
        *reaching("he", 20, 30, None),
        *reaching("xavier", 40, None, None),
        *reaching("lecun", None, None, None),
        *reaching("zeros", None, None, None),
    ]
    assert sentence(*trials) == (
        "he reached train loss 0.5 in 2 of 3 seeds (median 30 of 50 steps); xavier reached it in only 1 of 3 seeds; "
        "lecun and zeros never did."
    )


def test_equals_share_the_first_place():
    assert sentence(*reaching("he", 20, 20), *reaching("orthogonal", 20, 20), *reaching("xavier", None, None)) == (
        "he and orthogonal reached train loss 0.5 together, both at a median of 20 of 50 steps (both seeds each); "
        "xavier never did."
    )


def test_a_scheme_that_seldom_gets_there_leads_no_list():
    assert sentence(*reaching("he", 20, None, None), *reaching("xavier", None, None, None)) == (
        "No scheme reached train loss 0.5 in most seeds; he reached it in only 1 of 3 seeds; xavier never did."
    )


def test_one_seed_claims_no_more_than_one_seed_can():
    assert sentence(*reaching("he", 20), *reaching("xavier", 50)) == (
        "he was first to train loss 0.5, at 20 of 50 steps (its only seed), "
        "ahead of xavier at 50 (2.50×, its only seed); one seed each cannot tell luck from merit."
    )


def test_equals_with_one_seed_say_so_once():
    assert sentence(*reaching("he", 40), *reaching("lecun", 40), *reaching("orthogonal", 40)) == (
        "he, lecun and orthogonal reached train loss 0.5 together, all at 40 of 50 steps (one seed each)."
    )


def test_one_scheme_alone_is_not_called_first():
    assert sentence(*reaching("he", 20, 30, 40)) == "he reached train loss 0.5 in all 3 seeds (median 30 of 50 steps)."
    assert sentence(*reaching("he", None, None)) == (
        "he never reached train loss 0.5 within 50 steps; it ended at a median final train loss of 1.50."
    )


def test_when_none_gets_there_the_nearest_is_named():
    trials = [*reaching("he", None, None), Trial("xavier", 0, (2.0, 1.0, 0.9, 0.8, 0.7), planned=50)]
    assert sentence(*trials) == (
        "No scheme reached train loss 0.5 within 50 steps; xavier came nearest, at a median final train loss of 0.700."
    )


def test_when_none_leaves_chance_nobody_is_called_nearest():
    stuck = [Trial(init, seed, [math.log(10)] * 5) for init in ("lecun", "zeros") for seed in range(2)]
    assert sentence(*stuck) == "No scheme reached train loss 0.5 within 50 steps; lecun and zeros stalled."


def test_divergence_and_failure_are_told_from_missing_the_target():
    trials = [
        *reaching("he", 20, 20),
        Trial("normal[std=1.0]", 0, (9.0, math.inf), status="diverged", planned=50),
        Trial("sparse", 0, status="failed", reason="killed", planned=50),
    ]
    assert sentence(*trials) == (
        "he reached train loss 0.5 in both seeds (median 20 of 50 steps); normal[std=1.0] diverged; "
        "sparse gave no result."
    )


def test_an_accuracy_target_reads_in_percent():
    trials = [Trial("he", 0, (2.0, 1.0), (0.5, 0.912)), Trial("xavier", 0, (2.0, 1.5), (0.4, 0.6))]
    assert sentence(*trials, target=("test_accuracy", 0.95)) == (
        "No scheme reached test accuracy 95% within 20 steps; he came nearest, at a final test accuracy of 91.2%."
    )


def test_a_sweep_is_summed_up_over_its_settings():
    trials = [
        *reaching("he", 20, 20, **{"network.depth": 5}),
        *reaching("xavier", 30, 30, **{"network.depth": 5}),
        *reaching("he", 40, 40, **{"network.depth": 30}),
        *reaching("xavier", None, None, **{"network.depth": 30}),
    ]
    assert sentence(*trials, axes=DEPTH) == (
        "Over 2 settings of depth, first to train loss 0.5: he in 2; reached in most seeds: he in 2 and xavier in 1."
    )


def test_a_sweep_of_one_scheme_names_its_best_setting():
    trials = [
        t for depth, step in ((5, 20), (30, 40), (50, None)) for t in reaching("he", step, **{"network.depth": depth})
    ]
    assert sentence(*trials, axes=DEPTH) == (
        "he reached train loss 0.5 in 2 of 3 settings of depth, soonest at depth=5 (20 steps, its only seed)."
    )


def test_a_sweep_that_nobody_survives_says_so():
    trials = [
        t for depth in (5, 30) for init in ("he", "xavier") for t in reaching(init, None, **{"network.depth": depth})
    ]
    assert sentence(*trials, axes=DEPTH) == "No scheme reached train loss 0.5 in any of 2 settings of depth."


def test_crossed_seeds_are_called_runs():
    twice = [Trial("he", 0, (1.0, 0.4), at={"copy": copy}) for copy in range(2)]
    assert "both runs" in sentence(*twice)


@pytest.mark.parametrize("trials", [(), (Trial("he", 0, status="failed", reason="killed"),)])
def test_without_a_result_there_is_nothing_to_compare(trials):
    assert sentence(*trials) == "Nothing to compare: no trial has a result."


def test_trials_that_did_not_run_and_mixed_versions_are_noted():
    complete = results(*reaching("he", 20, 30))
    outcomes = complete.records.outcomes.assign(torch=["2.13.0", "2.12.0"])
    mixed = type(complete)(
        complete.path, type(complete.manifest)("demo", ("he-0", "he-1", "he-2"), ("init",), "train_loss", 0.5),
        type(complete.records)(outcomes, complete.records.curves, complete.records.layers), "", {},
    )  # fmt: skip
    assert analyze(mixed).notes == (
        "1 of 3 trials did not run yet; run again to add what is missing",
        "these results mix torch versions: 2.12.0 and 2.13.0",
    )


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (wording.significant(0.41234), "0.412"),
        (wording.significant(2.3), "2.30"),
        (wording.significant(123.4), "123"),
        (wording.significant(1234.0), "1.23e+03"),
        (wording.significant(4.123e-5), "4.12e-05"),
        (wording.significant(0.0), "0.00"),
        (wording.significant(math.nan), "–"),
        (wording.mean_sd(0.41234, 0.0311), "0.412 ± 0.031"),
        (wording.mean_sd(0.41234, math.nan), "0.412"),
        (wording.mean_sd(2e-5, 3e-6), "2.00e-05 ± 3e-06"),
        (wording.percent_mean_sd(0.9123, 0.0041), "91.2 ± 0.4"),
        (wording.variance(3.21e-5), "3.2e-05"),
        (wording.variance(0.0), "0"),
        (wording.factor(0.4987), "×0.50"),
        (wording.steps(math.inf), "not reached"),
        (wording.steps(290.0), "290"),
        (wording.setting(30.0), "30"),
        (wording.setting(None), "none"),
        (wording.listing(["a", "b", "c"]), "a, b and c"),
        (wording.count(1, "seed"), "1 seed"),
        (wording.target("test_accuracy", 0.95), "test accuracy 95%"),
    ],
)
def test_numbers_are_never_more_precise_than_the_measurement(shown, expected):
    assert shown == expected
