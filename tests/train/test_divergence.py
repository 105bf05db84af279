"""A trial that leaves all bounds ends alone, with its step and layer, and the others never notice."""

import math
from typing import Any

import pandas as pd
import pytest
from example_trials import curves_of, prepared, trained

LAST = {"log_every": 5, "steps": 20, "probe": "[0,1,2,4,8,16,last]", "eval_every": 10}


def rows(table: pd.DataFrame, trial: str) -> pd.DataFrame:
    return table[table["id"] == trial].reset_index(drop=True)


@pytest.mark.parametrize("optimizer", ["sgd[lr=0.05,momentum=0.9]", "adam[lr=0.01]"])
@pytest.mark.parametrize("clip", ["null", "1.0"])
def test_the_other_rows_of_a_stack_are_those_of_a_run_without_divergence(optimizer: str, clip: str) -> None:
    settings: dict[str, Any] = {**LAST, "seeds": 2, "optimizer": optimizer, "grad_clip": clip}
    # The same number of replicas in both runs, so that the arithmetic is the same to the last bit.
    calm, material = prepared(init="he,xavier,lecun", **settings)
    wild, _ = prepared(init="he,normal[std=1e18],lecun", **settings)
    healthy, spoiled = trained(calm, material), trained(wild, material)
    for trial in calm:
        if trial.init.component_name() != "xavier":
            for table in ("curves", "layers"):
                ours, theirs = rows(getattr(spoiled, table), trial.id), rows(getattr(healthy, table), trial.id)
                pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
    statuses = spoiled.outcomes.groupby("init")["status"].unique()
    assert {init: list(found) for init, found in statuses.items()} == {
        "he": ["finished"], "lecun": ["finished"], "normal[std=1e+18]": ["diverged"],
    }  # fmt: skip


def test_a_learning_rate_too_large_is_told_with_step_layer_and_loss() -> None:
    trials, material = prepared(**{**LAST, "optimizer": "sgd[lr=1000]"})
    records = trained(trials, material)
    outcome, curve = records.outcomes.iloc[0], curves_of(trials, records)[0]
    step = int(outcome["diverged_step"])
    assert outcome["status"] == "diverged"
    assert 0 < step <= 20
    assert curve["step"].iloc[-1] == step
    loss = curve["train_loss"].iloc[-1]
    assert math.isnan(loss) or loss > 1e6
    assert outcome["final_train_loss"] == pytest.approx(loss, nan_ok=True)
    assert outcome["first_bad_layer"] in ("layer1", "layer2", "output")
    assert f"train loss {loss:.3g} at step {step}, first in {outcome['first_bad_layer']}" == outcome["reason"]
    assert records.layers["step"].max() <= step


@pytest.mark.parametrize(("std", "loss"), [("1e10", "above the bound"), ("1e30", "infinite or not a number")])
def test_a_network_may_be_lost_before_its_first_update(std: str, loss: str) -> None:
    trials, material = prepared(**{**LAST, "init": f"normal[std={std}]"})
    records = trained(trials, material)
    outcome, curve = records.outcomes.iloc[0], curves_of(trials, records)[0]
    assert outcome["status"] == "diverged"
    assert outcome["diverged_step"] == 0
    assert outcome["first_bad_layer"] == "layer1"
    assert curve["step"].tolist() == [0]
    final = curve["train_loss"].iloc[0]
    assert (final > 1e6) if loss == "above the bound" else not math.isfinite(final)
    assert outcome["final_train_loss"] == pytest.approx(final, nan_ok=True)
    assert records.layers["step"].unique().tolist() == [0]


@pytest.mark.parametrize("log_every", [1, 2])
def test_steps_are_unique_in_a_curve_that_ends_on_a_row(log_every: int) -> None:
    trials, material = prepared(steps=20, log_every=log_every, eval_every=1, optimizer="sgd[lr=1e4]")
    records = trained(trials, material)
    curve = curves_of(trials, records)[0]
    assert records.outcomes["status"].tolist() == ["diverged"]
    assert curve["step"].is_unique
    kept = records.of([trials[0].id]).curves
    assert kept["train_loss"].iloc[-1] == pytest.approx(curve["train_loss"].iloc[-1], nan_ok=True)
    assert not kept["train_loss"].iloc[-1] <= 1e6


def test_a_run_whose_last_update_was_fatal_has_diverged() -> None:
    trials, material = prepared(steps=1, log_every=1, optimizer="sgd[lr=1e30]")
    outcome = trained(trials, material).outcomes.iloc[0]
    assert outcome["status"] == "diverged"
    assert outcome["diverged_step"] == 1


def test_training_stops_when_every_trial_is_lost() -> None:
    trials, material = prepared(seeds=3, steps=100_000, init="normal[std=1e30]")
    records = trained(trials, material)  # 100 000 steps would take minutes
    assert records.outcomes["status"].tolist() == ["diverged"] * 3
    assert records.curves["step"].max() == 0


def test_a_loss_below_the_bound_is_no_divergence() -> None:
    """A bad start that recovers is what the experiment is about."""
    trials, material = prepared(steps=50, init="normal[std=20.0]", optimizer="adam[lr=0.1]")
    records = trained(trials, material)
    assert curves_of(trials, records)[0]["test_loss"].iloc[0] > 1000
    assert records.outcomes["status"].tolist() == ["finished"]
