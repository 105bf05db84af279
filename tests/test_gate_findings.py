"""What the gate finds: by statistics, in the signal, to the bit, and against expectations."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from gated import cell, checked, marks, run
from scipy import stats
from synthetic_results import Trial, results

from initbench.expectation import Expectation, satisfies
from initbench.gate import Kind, Mark, Tolerance, baseline_of, judge
from initbench.gate.contrast import contrast
from initbench.gate.measured import measured
from initbench.gate.metrics import METRICS, cost, hidden_spread
from initbench.gate.signal import signal
from initbench.gate.statistical import statistical


def costs(values, first=0):
    return {(first + index, first + index): value for index, value in enumerate(values)}


def test_paired_contrasts_agree_with_the_paired_t_test():
    rng = np.random.default_rng(0)
    before, now = rng.standard_normal((2, 6))
    found = contrast(costs(before), costs(now), 0.0)
    reference = stats.ttest_rel(now, before, alternative="greater")
    assert found.paired
    assert found.p_worse == pytest.approx(reference.pvalue)
    assert found.p_better == pytest.approx(1 - reference.pvalue)
    interval = stats.ttest_rel(now, before).confidence_interval(0.95)
    assert (math.log(found.low), math.log(found.high)) == pytest.approx(tuple(interval))


def test_contrasts_of_other_seeds_agree_with_welchs_test():
    rng = np.random.default_rng(1)
    before, now = rng.standard_normal(5), 2 * rng.standard_normal(7)
    found = contrast(costs(before), costs(now, first=100), 0.0)
    reference = stats.ttest_ind(now, before, equal_var=False, alternative="greater")
    assert not found.paired
    assert found.p_worse == pytest.approx(reference.pvalue)
    assert math.log(found.ratio) == pytest.approx(now.mean() - before.mean())


def test_trials_that_share_a_weight_seed_count_once():
    crossed = {(seed, data): 0.1 * seed + 0.01 * data for seed in range(3) for data in range(4)}
    found = contrast(crossed, {key: value + 0.05 * key[0] for key, value in crossed.items()}, 0.0)
    assert found.seeds == 3
    assert found.p_worse == pytest.approx(stats.ttest_1samp([0.0, 0.05, 0.1], 0, alternative="greater").pvalue)


def test_one_seed_is_no_evidence():
    found = contrast(costs([0.0]), costs([5.0]), 0.0)
    assert (found.p_worse, found.spread_known) == (1.0, False)
    assert found.high == math.inf


def test_a_coarse_grid_hides_a_spread_of_half_its_step():
    # the standard deviation of two equally likely values one step apart is half of the step, and no pair has more
    assert hidden_spread("steps_to_target", math.log(50), 10) == pytest.approx(np.std([50, 60]) / 50)
    assert hidden_spread("final_train_loss", 0.0, 10) == 0


def test_costs_count_errors_and_leave_tiny_losses_alone():
    assert cost("final_test_accuracy", [0.9, 0.8]) == pytest.approx([math.log(0.1), math.log(0.2)])
    assert cost("final_train_loss", [1e-9, 1e-5]) == pytest.approx([math.log(1e-3)] * 2)


def test_the_same_run_is_the_same_in_every_respect():
    report = checked(run())
    assert set(marks(report).values()) == {"="}
    assert report.exit_code == 0
    assert report.sentence == "No regression in 16 comparisons over 5 seeds."


def test_a_run_that_is_slower_beyond_margin_and_noise_is_a_regression():
    report = checked(run(slower=1.5))
    assert report.exit_code == 1
    found = marks(report)
    assert {found["he", metric] for metric in ("steps_to_target", "loss_area", "final_train_loss")} == {"-"}
    assert "he: steps to target is worse, 140 before and 210 now" in " ".join(f.text for f in report.findings)
    assert "5 paired seeds" in report.sentence


def test_a_run_that_is_faster_is_better_and_passes():
    report = checked(run(slower=0.7))
    assert report.exit_code == 0
    assert marks(report)["he", "loss_area"] == "+"
    assert "better" in report.sentence


def test_a_change_within_the_margin_is_the_same():
    slower = run(slower=1.05)
    assert marks(checked(slower, margin=0.1))["he", "loss_area"] == "="
    assert marks(checked(slower, margin=0.01))["he", "loss_area"] == "-"


def test_what_noise_could_do_is_inconclusive_and_fails_only_if_strict():
    noisy, other = run(noise=0.6), run(noise=0.6, draw=1)
    report = checked(other, noisy)
    assert "~" in {mark for (_, what), mark in marks(report).items() if what != "numerics"}
    assert report.exit_code == 0
    assert "inconclusive" in report.sentence
    assert checked(other, noisy, strict=True).exit_code == 1


@pytest.mark.parametrize(("seeds", "noise"), [(3, 0.5), (5, 0.05), (8, 0.3)])
def test_unchanged_code_hardly_ever_fails(seeds, noise):
    """At most 0.5 % of the checks may, for each of the two kinds: more than expected has to be luck below 0.1 %."""
    checks, alarms = 200, {"statistical": 0, "signal": 0}
    rng = np.random.default_rng((seeds, int(100 * noise)))
    for _ in range(checks):
        schemes = [f"scheme{index}" for index in range(3)]
        pairs = [
            tuple(
                cell(rng, range(first, first + seeds), noise).model_copy(update={"scheme": name}) for first in (0, 50)
            )
            for name in schemes
        ]
        alarms["statistical"] += any(found.fails for found in statistical(pairs, 10.0, Tolerance(margin=0.0)))
        alarms["signal"] += any(found.fails for found in signal(pairs))
    assert max(alarms.values()) <= stats.binom.isf(0.001, checks, 0.005)


def test_a_target_that_no_seed_reaches_any_more_is_a_regression():
    report = checked(run(slower=3.0))
    (reached,) = [found for found in report.findings if (found.scheme, found.what) == ("he", "reached")]
    assert (reached.mark, reached.before, reached.now, reached.fails) == (Mark.WORSE, "5/5", "0/5", True)
    (steps,) = [found for found in report.findings if (found.scheme, found.what) == ("he", "steps_to_target")]
    assert steps.change.startswith("at least")
    assert steps.now == "not reached"


def test_one_seed_of_five_that_misses_is_inconclusive():
    missing = run()
    outcomes = missing.records.outcomes
    late = missing.records.curves
    late = late.assign(train_loss=late["train_loss"].where(late["id"] != "he-0", 2.0))
    now = replace(missing, records=replace(missing.records, outcomes=outcomes, curves=late))
    report = checked(now)
    assert marks(report)["he", "reached"] == "~"
    assert report.exit_code == 0


def test_trials_that_all_diverge_are_a_regression_and_no_loss_is_made_up():
    plain = [Trial("he", seed, [2.0, 1.0, 0.4 + 0.01 * seed]) for seed in range(5)]
    lost = [replace(trial, losses=[2.0, 9.0], status="diverged", reason="loss above 1e4") for trial in plain]
    report = judge(results(*lost), baseline_of(results(*plain)), {}, Tolerance())
    assert marks(report)["he", "finished"] == "-"
    assert ("he", "loss_area") not in marks(report)
    assert report.exit_code == 1


def test_crossed_and_swept_experiments_are_compared_setting_by_setting():
    def deep(factor):
        return results(
            *(
                Trial("he", seed, [2.0, 1.5, 0.4 * (factor if depth == 20 else 1)], at={"network.depth": depth})
                for depth in (10, 20)
                for seed in range(4)
            ),
            axes=("init", "network.depth"),
        )

    report = judge(deep(1.2), baseline_of(deep(1.0)), {}, Tolerance())
    assert marks(report)["he, depth=10", "final_train_loss"] == "="
    assert marks(report)["he, depth=20", "final_train_loss"] == "-"


def test_a_signal_that_left_its_range_is_found_by_layer_though_the_loss_is_the_same():
    report = checked(run(signal=0.8))
    failing = {found.what: found.text for found in report.regressions if found.scheme == "he"}
    assert set(failing) == {"preact_variance"}
    assert "in 3 of 3 layers, layer1 first" in failing["preact_variance"]
    assert "farthest off is output (0.512×)" in failing["preact_variance"]  # 0.8³


def test_gradients_that_vanish_on_their_way_back_are_named_from_the_output_down():
    report = checked(run(gradient=0.5))
    (text,) = [found.text for found in report.regressions if found.scheme == "he"]
    assert "gradient variance at step 0 left its range in 3 of 3 layers, output first" in text
    assert "farthest off is layer1 (0.125×)" in text  # 0.5³


def test_rounding_of_a_signal_is_no_finding():
    report = checked(run(signal=1 + 1e-6))
    assert marks(report)["he", "preact_variance"] == "="
    assert report.exit_code == 0


@pytest.mark.parametrize(("before", "now"), [(1e30, 0.0), (1e300, 0.0), (0.0, 1e300), (1.0, 0.0)])
def test_a_signal_that_dies_or_comes_to_life_is_found_however_large_it_was(before, now):
    def constant(variance):
        made = run()
        layers = made.records.layers
        layers = layers.assign(preact_variance=layers["preact_variance"].where(layers["name"] != "layer2", variance))
        return replace(made, records=replace(made.records, layers=layers))

    texts = [found.text for found in checked(constant(now), constant(before)).regressions]
    assert len(texts) == 2
    assert all("left its range in layer2: " in text for text in texts)


def test_a_signal_that_overflows_is_found():
    lost = run()
    layers = lost.records.layers
    layers = layers.assign(preact_variance=layers["preact_variance"].where(layers["name"] != "layer2", math.inf))
    report = checked(replace(lost, records=replace(lost.records, layers=layers)))
    texts = [found.text for found in report.regressions]
    assert len(texts) == 2
    assert all("left its range in layer2: " in text and "not finite now" in text for text in texts)


def test_a_single_bit_is_a_warning_and_a_failure_if_exactness_is_asked_for():
    plain = run()
    curves = plain.records.curves
    nudged = curves.assign(train_loss=np.nextafter(curves["train_loss"], np.inf))
    now = replace(plain, records=replace(plain.records, curves=nudged))
    report = checked(now)
    changed = [found for found in report.findings if found.kind is Kind.EXACT]
    assert [found.mark for found in changed] == [Mark.UNCLEAR] * 2
    assert "numerics changed in 5 of 5 trials; seed 0: its metrics agree to nine digits" in changed[0].text
    assert (report.exit_code, checked(now, exact=True).exit_code) == (0, 1)
    assert report.sentence.endswith("2 with changed numerics.")


def test_on_another_machine_bits_are_not_compared_unless_asked_for():
    before = run(draw=1, noise=1e-9)
    now = replace(run(noise=1e-9), provenance={"versions": {"torch": "9.9"}})
    report = checked(now, before)
    assert not [found for found in report.findings if found.kind is Kind.EXACT]
    assert "torch None before, 9.9 now" in report.notes[0]
    assert checked(now, before, exact=True).exit_code == 1


def test_failed_trials_are_told_and_exit_code_3():
    lost = run()
    outcomes = lost.records.outcomes
    outcomes = outcomes.assign(
        status=outcomes["status"].where(outcomes["init"] != "xavier", "failed"),
        reason=outcomes["reason"].where(outcomes["init"] != "xavier", "the worker process died"),
    )
    report = checked(replace(lost, records=replace(lost.records, outcomes=outcomes)))
    assert (report.failed, report.exit_code) == (5, 3)
    assert marks(report)["xavier", "trials"] == "!"
    assert marks(report)["he", "loss_area"] == "="
    assert "5 trials of 10 could not be measured" in report.sentence
    none = outcomes.assign(status="failed")
    nothing = checked(replace(lost, records=replace(lost.records, outcomes=none)))
    assert (nothing.exit_code, nothing.sentence) == (3, "Nothing was measured.")


def test_each_setting_has_the_reason_of_its_own_failure():
    made = {
        depth: Trial("he", 0, status="failed", reason=reason, at={"network.depth": depth})
        for depth, reason in {2: None, 3: "three", 4: "four"}.items()
    }
    plain = [replace(trial, losses=[2.0, 0.4], status="finished", reason=None) for trial in made.values()]
    axes = ("init", "network.depth")
    report = judge(results(*made.values(), axes=axes), baseline_of(results(*plain, axes=axes)), {}, Tolerance())
    assert [found.text for found in report.findings if found.mark is Mark.UNMEASURED] == [
        "he, depth=2: 1 of 1 trial failed",
        "he, depth=3: 1 of 1 trial failed: three",
        "he, depth=4: 1 of 1 trial failed: four",
    ]


def test_only_the_metrics_asked_for_are_compared():
    found = marks(checked(run(slower=2.0), metrics=("loss_area",)))
    assert {what for _, what in found} & set(METRICS) == {"loss_area"}


def test_an_evaluation_between_two_logged_losses_leaves_the_area_whole():
    plain = run(schemes=["he"], seeds=[0])
    curves = plain.records.curves
    extra = curves.iloc[[5]].assign(step=curves["step"].iloc[5] + 3, train_loss=math.nan)
    with_row = pd.concat([curves.iloc[:6], extra, curves.iloc[6:]], ignore_index=True)
    areas = [
        measured(replace(plain, records=replace(plain.records, curves=each)))[0].metrics["loss_area"]
        for each in (curves, with_row)
    ]
    assert areas[0] == areas[1]
    assert areas[0][0] == pytest.approx(10 * curves["train_loss"].sum(), rel=1e-8)


@pytest.mark.parametrize(
    ("expectation", "kept"),
    [
        (Expectation(final_train_loss="< 0.2"), True),
        (Expectation(final_train_loss="< 0.05"), False),
        (Expectation(final_test_accuracy=">= 0.9"), True),
        (Expectation(steps_to_target="<= 100"), False),
        (Expectation(reached="all"), True),
        (Expectation(reached="none"), False),
        (Expectation(reached=5), True),
        (Expectation(state="converged"), True),
        (Expectation(state="stalled"), False),
        (Expectation(faster_than="xavier"), False),
        (Expectation(faster_than="zeros"), True),
        (Expectation(faster_than="zeros", by=10.0), True),  # a scheme that never reaches is slower by any factor
    ],
)
def test_expectations_are_held_without_a_baseline(expectation, kept):
    trials = [
        Trial(scheme, seed, [2.0 * rate**row for row in range(1, 31)], [1 - rate**row for row in range(1, 31)])
        for scheme, rate in {"he": 0.9, "xavier": 0.85, "zeros": 1.0}.items()
        for seed in range(5)
    ]
    report = judge(results(*trials), None, {"he": expectation}, Tolerance())
    assert report.exit_code == (0 if kept else 1)
    assert len(report.findings) == 1
    assert report.findings[0].kind is Kind.EXPECTED


def test_limits_are_kept_as_written():
    assert satisfies(0.5, "<= 0.5")
    assert not satisfies(0.5, "<0.5")
    assert satisfies(1e-3, "< 1e-2")
    assert not satisfies(math.nan, "> 0")
