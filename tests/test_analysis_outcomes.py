"""Outcomes: steps to the target, states and summaries, against values worked out by hand."""

import math

import numpy as np
import pytest
from synthetic_results import Trial, results

from initbench.analysis import analyze, outcomes

CHANCE = math.log(10)


def trial_table(*trials, **options):
    return outcomes.trials(results(*trials, **options)).set_index("id")


def scheme_table(*trials, **options):
    return analyze(results(*trials, **options)).schemes.set_index("init")


def test_steps_to_target_is_the_first_logged_step_that_satisfies_it():
    table = trial_table(Trial("he", 0, (2.0, 0.5, 0.7, 0.4)), Trial("he", 1, (2.0, 1.5, 0.51, 0.51)))
    assert table["steps_to_target"].tolist() == [20.0, math.inf]


def test_a_target_accuracy_is_reached_from_below():
    trials = [Trial("he", 0, (2.0, 1.0, 0.5), (0.2, 0.95, 0.9)), Trial("he", 1, (2.0, 1.0, 0.5), (0.2, 0.5, 0.94))]
    table = trial_table(*trials, target=("test_accuracy", 0.95))
    assert table["steps_to_target"].tolist() == [20.0, math.inf]


def test_a_failed_trial_has_neither_reached_nor_missed():
    table = trial_table(Trial("he", 0, status="failed", reason="killed"))
    assert math.isnan(table.loc["he-0", "steps_to_target"])
    assert table.loc["he-0", "state"] == "failed"


@pytest.mark.parametrize(
    ("losses", "state"),
    [
        ((2.3, 1.0, 0.4), "converged"),
        ((2.3, 2.0, 1.0), "slow"),
        ((2.4, 2.35, CHANCE * 1.009), "stalled"),  # within 1 % of chance from above
        ((2.4, 2.35, CHANCE * 0.991), "stalled"),  # and from below
        ((2.4, 2.35, CHANCE * 0.989), "slow"),
        ((9.0, 9.0, 9.0), "stalled"),  # worse than chance and not falling
        ((9.0, 7.0, 5.0), "slow"),  # worse than chance and falling
    ],
)
def test_the_state_of_a_classification_trial(losses, state):
    assert trial_table(Trial("he", 0, losses)).loc["he-0", "state"] == state


@pytest.mark.parametrize(
    ("losses", "state"),
    [
        ((2.0, 1.99, 1.981), "stalled"),
        ((2.0, 1.99, 1.979), "slow"),
        ((9.0, 5.0, CHANCE), "slow"),  # ln(outputs) means nothing to a regression
        ((1.0, 0.5, 0.3), "converged"),
        ((1.0,), "slow"),  # one logged loss cannot show that nothing moved
    ],
)
def test_the_state_of_a_regression_trial(losses, state):
    assert trial_table(Trial("he", 0, losses), task="regression").loc["he-0", "state"] == state


def test_a_trial_that_diverged_after_its_target_has_reached_it_and_is_called_diverged():
    table = scheme_table(Trial("he", 0, (2.0, 0.4, math.inf), status="diverged"))
    assert table.loc["he", "reached"] == 1
    assert table.loc["he", "steps_to_target_median"] == 20
    assert table.loc["he", "state"] == "diverged"


def test_loss_area_is_the_sum_of_the_losses_of_all_updates():
    table = trial_table(Trial("he", 0, (2.0, 1.0, 0.5)), Trial("he", 1, (2.0, math.nan), status="diverged"))
    assert table.loc["he-0", "loss_area"] == pytest.approx(10 * (2.0 + 1.0 + 0.5))
    assert math.isnan(table.loc["he-1", "loss_area"])


def test_the_median_counts_a_miss_as_infinite():
    reached = [Trial("he", seed, (1.0, 0.5, 0.4)) for seed in range(2)]
    missed = [Trial("he", seed, (1.0, 0.9, 0.8)) for seed in range(2, 5)]
    table = scheme_table(*reached, *missed)
    assert table.loc["he", ["reached", "trials"]].tolist() == [2, 5]
    assert table.loc["he", "steps_to_target_median"] == math.inf
    assert scheme_table(*reached, missed[0]).loc["he", "steps_to_target_median"] == 20


def test_means_run_over_finished_trials_alone_and_say_how_many():
    table = scheme_table(
        Trial("he", 0, (1.0, 0.2), (0.5, 0.9)),
        Trial("he", 1, (1.0, 0.4), (0.5, 0.8)),
        Trial("he", 2, (1.0, math.inf), (0.5, 0.1), status="diverged"),
        Trial("he", 3, status="failed", reason="killed"),
    )
    row = table.loc["he"]
    assert row[["trials", "finished", "diverged", "failed"]].tolist() == [4, 2, 1, 1]
    assert row["final_train_loss_mean"] == pytest.approx(0.3)
    assert row["final_train_loss_sd"] == pytest.approx(math.sqrt(0.02))  # (0.1² + 0.1²) / (2 - 1)
    assert row["final_test_accuracy_mean"] == pytest.approx(0.85)
    assert row["best_test_accuracy"] == 0.9


def test_a_scheme_that_only_diverged_has_no_final_loss():
    table = scheme_table(Trial("he", 0, (9.0, math.inf), status="diverged"))
    assert np.isnan(table.loc["he", "final_train_loss_mean"])
    assert table.loc["he", "reached"] == 0


@pytest.mark.parametrize(
    ("finals", "state", "states"),
    [
        ((0.4, 0.4, 1.0), "converged", "converged 2/3, slow 1/3"),
        ((0.4, 1.0), "slow", "converged 1/2, slow 1/2"),  # a tie goes to the worse
        ((0.4, 0.4), "converged", "converged"),
    ],
)
def test_the_state_of_a_scheme_is_that_of_most_trials(finals, state, states):
    table = scheme_table(*(Trial("he", seed, (2.0, final)) for seed, final in enumerate(finals)))
    assert table.loc["he", ["state", "states"]].tolist() == [state, states]


def test_cells_come_by_setting_then_scheme_in_the_order_of_the_plan():
    trials = [Trial(init, 0, (1.0, 0.4), at={"network.depth": depth}) for init in ("he", "xavier") for depth in (30, 5)]
    table = analyze(results(*trials, axes=("init", "network.depth"))).schemes
    assert list(zip(table["network.depth"], table["init"], strict=True)) == [
        (30, "he"),
        (30, "xavier"),
        (5, "he"),
        (5, "xavier"),
    ]


def test_a_component_without_the_swept_option_keeps_its_own_cell():
    trials = [Trial("he", 0, (1.0, 0.4), at={"optimizer.momentum": value}) for value in (0.9, None)]
    table = analyze(results(*trials, axes=("init", "optimizer.momentum"))).schemes
    assert table["trials"].tolist() == [1, 1]


def test_no_outcomes_give_an_empty_table_with_its_columns():
    table = analyze(results()).schemes
    assert table.empty
    assert {"init", "trials", "reached", "state"} <= set(table.columns)
