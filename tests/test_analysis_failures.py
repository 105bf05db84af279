"""Failure classes and their evidence: which layer, which step, in which direction."""

import math

import pytest
from synthetic_results import Trial, results

from initbench.analysis import analyze

CHANCE = [math.log(10)] * 3


def judged(trial):
    return analyze(results(trial)).trials.iloc[0]


def probed(activations=(1.0, 1.0, 1.0), gradients=None, last=None):
    """Variances of the hidden layers, the same at both probes unless others are given for the last."""
    gradients = gradients or [1.0] * len(activations)
    activations = activations if len(activations) == len(gradients) else [1.0] * len(gradients)
    return {
        "activations": [(*activations, 1.0)] * 2,
        "gradients": [(*gradients, 1.0), (*(last or gradients), 1.0)],
    }


def test_nothing_is_said_of_a_trial_that_converged():
    row = judged(Trial("he", 0, (2.0, 0.4), **probed(gradients=(1e-20, 1.0))))
    assert row["state"] == "converged"
    assert row[["bad_step", "bad_layer", "evidence"]].tolist() == [None, None, None]


def test_a_vanishing_gradient_is_told_from_the_layer_nearest_to_the_output():
    row = judged(Trial("tiny", 0, CHANCE, **probed(gradients=(1e-18, 1e-15, 1e-11, 1e-8))))
    assert row["state"] == "stalled"
    assert (row["bad_step"], row["bad_layer"]) == (0, "layer2")
    assert row["evidence"] == "gradient variance below 1e-12 from layer 2 down at step 0"


def test_a_vanishing_signal_is_told_from_the_layer_nearest_to_the_input():
    row = judged(Trial("tiny", 0, CHANCE, **probed((1.0, 1e-13, 1e-16))))
    assert row["evidence"] == "activation variance below 1e-12 from layer 2 up at step 0"
    assert row["bad_layer"] == "layer2"


def test_the_output_layer_is_not_held_to_the_bounds_of_hidden_layers():
    row = judged(Trial("slow", 0, (2.0, 1.9, 1.5), activations=[(1.0, 1.0, 1e-20)], gradients=[(1.0, 1.0, 1e-20)]))
    assert row["bad_layer"] is None


def test_the_earliest_probe_is_the_one_reported():
    later = Trial("late", 0, (2.0, 1.9, 1.5), **probed((1.0, 1.0), last=(1.0, 0.0)))
    assert judged(later)["evidence"] == "gradient variance below 1e-12 in layer 2 at step 30"


@pytest.mark.parametrize(
    ("variances", "extent"),
    [
        ((1e-13, 1e-14, 1e-15), "in every hidden layer"),
        ((1.0, 1e-14, 1.0), "in layer 2"),
        ((1e-13, 1.0, 1e-13), "first in layer 1, up"),
    ],
)
def test_the_extent_says_no_more_than_what_was_seen(variances, extent):
    found = judged(Trial("odd", 0, CHANCE, **probed(variances)))
    assert found["evidence"] == f"activation variance below 1e-12 {extent} at step 0"


def test_an_exploding_signal_explains_a_divergence():
    row = judged(Trial("huge", 0, (9.0, math.inf), status="diverged", **probed((1.0, 1e5, 1e8))))
    assert row["state"] == "diverged"
    assert row["evidence"] == "pre-activation variance above 1e6 in layer 3 at step 0"


def test_a_divergence_with_sound_layers_keeps_its_reason():
    row = judged(Trial("he", 0, (9.0, math.inf), status="diverged", reason="train loss inf at step 20"))
    assert (row["bad_step"], row["bad_layer"], row["evidence"]) == (20, "layer2", "train loss inf at step 20")


@pytest.mark.parametrize("losses", [CHANCE, (2.3, 2.0, 1.5)])
def test_units_that_stay_alike_are_symmetric(losses):
    row = judged(Trial("constant", 0, losses, diversity=1e-15))
    assert row["state"] == "symmetric"
    assert row["evidence"] == "all units have the same weights in every hidden layer at step 0"


@pytest.mark.parametrize("losses", [CHANCE, (2.3, 2.0, 1.5)])
def test_units_that_died_make_a_trial_dead(losses):
    row = judged(Trial("he", 0, losses, dead=(0.5, 1.0), **probed()))
    assert (row["state"], row["bad_step"]) == ("dead", 30)
    assert row["evidence"] == "dead units (99 % or more) in every hidden layer at step 30"


def test_a_signal_that_never_arrived_is_not_called_dead():
    faded = Trial("tiny", 0, CHANCE, dead=(1.0, 1.0), **probed((1.0, 0.0)))
    assert judged(faded)["state"] == "dead"  # layer 1 had its signal, and all its units died
    alone = Trial("tiny", 0, CHANCE, dead=(1.0, 1.0), **probed((0.0, 0.0)))
    assert judged(alone)["state"] == "stalled"


def test_many_dead_units_that_leave_some_are_not_a_dead_layer():
    assert judged(Trial("he", 0, CHANCE, dead=(0.9, 0.98)))["state"] == "stalled"


@pytest.mark.parametrize(
    ("losses", "moved"),
    [
        ((2.0, 1.5, 1.0, 0.9), "still falling, 1.00 to 0.900"),
        ((2.0, 0.8, 1.0, 1.1), "rising, 1.00 to 1.10"),
        ((2.0, 1.0, 1.0, 0.995), "flat, 1.00 to 0.995"),
    ],
)
def test_without_a_bad_layer_the_evidence_is_how_the_loss_moved_at_the_end(losses, moved):
    row = judged(Trial("xavier", 0, losses))
    assert row["state"] == "slow"
    assert row["evidence"] == f"train loss {moved} since step 30"


@pytest.mark.parametrize(
    ("losses", "where"),
    [
        ((2.31, 2.305, 2.303, 2.302), "at chance (ln 10), 2.30 to 2.30"),
        ((2.40, 2.37, 2.35, 2.31), "at chance (ln 10), 2.35 to 2.31"),  # falling, but to nowhere
        ((1.50, 1.80, 1.60, 1.49), "hardly lower than at first, 1.60 to 1.49"),
    ],
)
def test_of_a_stalled_trial_the_evidence_is_where_its_loss_stayed(losses, where):
    row = judged(Trial("xavier", 0, losses))
    assert row["state"] == "stalled"
    assert row["evidence"] == f"train loss {where} since step 30"


def test_a_failed_trial_has_its_reason():
    row = judged(Trial("he", 0, status="failed", reason="killed\nTraceback ..."))
    assert row["evidence"] == "killed"


def test_results_that_were_not_probed_still_have_states():
    found = results(Trial("xavier", 0, (2.0, 1.0)))
    bare = type(found.records)(found.records.outcomes, found.records.curves, found.records.layers.iloc[:0])
    row = analyze(type(found)(found.path, found.manifest, bare, "", {})).trials.iloc[0]
    assert row["state"] == "slow"
    assert row["evidence"].startswith("train loss still falling")
