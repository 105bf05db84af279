"""Searches: rounds that follow from the results of earlier ones, and folders that speak for all of them."""

import math
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from initbench import api, search
from initbench.config import ConfigError, load_text
from initbench.config.rates import place_of, rate
from initbench.errors import InitbenchError
from initbench.execute import Resources, execute
from initbench.inits.he import He
from initbench.records import FAILED, ResultsFolder

TASK = """
name: searched
dataset: {name: synthetic, features: 6, classes: 3, samples: 120, test_samples: 30}
network: {name: mlp, depth: 3, width: 8}
init: [he, zeros]
batch_size: 20
epochs: 3
seeds: 3
probe: none
target: {metric: train_loss, value: 0.9}
"""
AUTO = TASK + "optimizer: {name: sgd, lr: auto}\n"


@pytest.fixture(autouse=True)
def _without_figures(monkeypatch):
    monkeypatch.setattr("initbench.report.figures.draw", lambda _comparison: {})  # slower than the training


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A finished search for learning rates: its folder and what was planned in each round."""
    place = search.Place(tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("data"))
    return place, carried_out(search.rounds(load_text(AUTO), place))


def carried_out(rounds):
    """Execute every round; what each planned, as (rate or depth, seed) of each trial, and how many were missing."""
    planned = []
    for work in (step.work for step in rounds):
        trials = [trial.columns() for trial in work.plan.trials]
        planned.append((trials, len(work.missing)))
        assert list(execute(work, Resources(workers=1)))
    return planned


def rates_of(trials):
    return sorted({trial["optimizer.lr"] for trial in trials})


def test_a_search_for_rates_starts_around_the_default_and_widens_until_the_best_is_inside(searched):
    _, rounds = searched
    grids = [rates_of(trials) for trials, _ in rounds[:-1]]
    assert grids[0] == [0.001, 0.003, 0.01, 0.03, 0.1]
    assert all(set(grid) < set(wider) for grid, wider in pairwise(grids))
    assert len(grids) > 1  # five rates around 0.01 are too small for a network that trains in 18 steps
    assert set(rates_of(rounds[-1][0])) < set(grids[-1])


def test_rates_are_chosen_on_seeds_that_do_not_compare(searched):
    place, rounds = searched
    seeds = [{trial["seed"] for trial in trials} for trials, _ in rounds]
    assert seeds[:-1] == [{3, 4}] * (len(rounds) - 1)
    assert seeds[-1] == {0, 1, 2}
    assert ResultsFolder(place.folder).read().manifest.selection_seeds == (3, 4)


def test_a_search_is_read_as_one_experiment(searched):
    place, rounds = searched
    found = api.read(place.folder)
    assert len(found.trials) == len(rounds[-2][0]) + len(rounds[-1][0])
    assert not found.notes
    assert found.rates.claims[0].startswith("Each at its own best learning rate (he ")
    assert found.rates.best.set_index("init").loc["he", ["edge", "seeds"]].tolist() == ["", 3]
    assert found.trials["optimizer.lr"].is_monotonic_increasing


def test_a_search_asked_for_again_trains_nothing(searched):
    place, rounds = searched
    again = carried_out(search.rounds(load_text((place.folder / "experiment.yaml").read_text()), place))
    assert [trials for trials, _ in again] == [trials for trials, _ in rounds]
    assert [missing for _, missing in again] == [0] * len(again)


def no_luck(*_):
    raise RuntimeError("no luck")


def test_a_scheme_that_fails_does_not_widen_the_grid_and_is_not_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(He, "weight", no_luck)
    place = search.Place(tmp_path / "results", tmp_path)
    rounds = carried_out(search.rounds(load_text(AUTO), place))
    seeds, schemes = search.SELECTION_SEEDS, 2
    new = [
        len(rates_of(after)) - len(rates_of(before)) for before, after in pairwise(trials for trials, _ in rounds[:-1])
    ]
    assert [missing for _, missing in rounds[1:-1]] == [seeds * schemes * rates for rates in new]
    assert min(rate for trials, _ in rounds for rate in rates_of(trials)) == 0.001  # the lowest of the first grid
    outcomes = api.read(place.folder).trials
    assert set(outcomes.loc[outcomes["init"] == "he", "status"]) == {FAILED}
    assert not outcomes.loc[outcomes["init"] == "zeros", "reason"].notna().any()


def tried(rates):
    """What ``search`` sees of one scheme: a loss for each rate, infinite where it diverged, None where it failed."""
    rows = [
        {
            "optimizer.lr": rate,
            "status": FAILED if loss is None else "diverged" if math.isinf(loss) else "finished",
            "loss_area": loss if loss is not None and math.isfinite(loss) else math.nan,
            "steps": 1,
        }
        for rate, loss in rates.items()
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("losses", "beyond"),
    [
        ((math.inf, math.inf, math.inf), {0.001}),
        ((None, math.inf, math.inf), set()),  # it fails where it might not diverge
        ((None, None, None), set()),
        ((1.0, None, None), set()),
        ((1.0, 2.0, None), {0.001}),
        ((None, 1.0, 2.0), set()),
        ((None, 2.0, 1.0), {0.3}),
    ],
)
def test_only_a_rate_that_was_measured_makes_a_search_go_beyond_it(losses, beyond):
    table = tried(dict(zip((0.003, 0.01, 0.1), losses, strict=True)))
    grid = {place_of(one) for one in table["optimizer.lr"]}
    assert search._beyond(table, grid) == {place_of(one) for one in beyond}


def test_the_search_for_depths_ends_for_a_scheme_that_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(He, "weight", no_luck)
    place = search.Place(tmp_path / "results", tmp_path)
    experiment = load_text(TASK, overrides=["seeds=1", "target.value=0.01"])
    rounds = carried_out(search.deepest(experiment, place))
    assert [[(one["init"], one["network.depth"]) for one in trials] for trials, _ in rounds] == [
        [("he", 3), ("zeros", 3)],
        [("zeros", 2)],
    ]


def test_without_a_search_there_is_one_round(tmp_path):
    place = search.Place(tmp_path / "results", tmp_path)
    assert [(len(step.work.plan.trials), step.purpose) for step in search.rounds(load_text(TASK), place)] == [(6, "")]


def test_a_search_for_depths_ends_between_one_that_trains_and_one_that_does_not(tmp_path):
    place = search.Place(tmp_path / "results", tmp_path)
    experiment = load_text(TASK, overrides=["init=he", "seeds=1", "optimizer=sgd[lr=0.1]", "epochs=6"])
    carried_out(search.deepest(experiment, place))
    found = api.read(place.folder)
    row = found.reach.depths.iloc[0]
    assert row["greatest"] >= 3
    assert row["fails_at"] - row["greatest"] <= max(1, row["greatest"] // 10)
    assert found.reach.claims == (
        f"Greatest depth trained to train loss 0.9: he {row['greatest']} (not {row['fails_at']:.0f}).",
    )


@given(st.integers(search.SHALLOWEST, search.DEEPEST), st.integers(search.SHALLOWEST, 100))
def test_bisection_finds_the_greatest_depth_to_a_tenth(greatest, start):
    bracket, tried = search.Bracket(start), []
    while (depth := bracket.next) is not None:
        tried.append(depth)
        bracket = bracket.narrowed(depth, trained=depth <= greatest)
    assert len(tried) == len(set(tried)) < 20
    assert bracket.trains is not None
    assert bracket.trains <= greatest
    if bracket.fails is None:
        assert 2 * bracket.trains > search.DEEPEST
    else:
        assert greatest < bracket.fails <= bracket.trains + max(1, bracket.trains // 10)


@pytest.mark.parametrize("start", [2, 22])
def test_bisection_gives_up_on_a_scheme_that_trains_no_depth(start):
    bracket = search.Bracket(start)
    while (depth := bracket.next) is not None:
        bracket = bracket.narrowed(depth, trained=False)
    assert (bracket.trains, bracket.fails) == (None, 2)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("network.depth=3,4", "found several networks, expected one network with a depth"),
        ("network=mlp[hidden=[8,8]]", "which has no depth, expected one network with a depth"),
    ],
)
def test_a_search_for_depths_needs_one_network_with_a_depth(override, message, tmp_path):
    experiment = load_text(TASK, overrides=[override])
    with pytest.raises(InitbenchError, match=message):
        next(search.deepest(experiment, search.Place(tmp_path, tmp_path)))


@pytest.mark.parametrize("place", range(-14, 7))
def test_the_grid_of_rates_has_two_points_a_decade(place):
    assert place_of(rate(place)) == place
    assert rate(place + 2) == pytest.approx(10 * rate(place))
    assert rate(place) < rate(place + 1)


@pytest.mark.parametrize(("optimizer", "middle"), [("sgd[lr=auto,momentum=0.9]", 0.01), ("adam[lr=auto]", 0.001)])
def test_the_first_grid_lies_around_the_default_of_the_optimizer(optimizer, middle):
    experiment = load_text(TASK, overrides=[f"optimizer={optimizer}"])
    rates = [one.lr for one in experiment.optimizer]
    assert experiment.searches_rate
    assert (len(rates), rates[2]) == (5, middle)
    assert load_text(experiment.to_yaml()) == experiment


def test_auto_beside_another_optimizer_is_refused():
    with pytest.raises(ConfigError, match="found lr: auto beside another optimizer, expected it to be the only one"):
        load_text(TASK + "optimizer: [{name: sgd, lr: auto}, adam]\n")
