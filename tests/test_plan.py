"""Trials, their ids and columns, and the cut into stacks."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initbench.activations import ACTIVATIONS
from initbench.config import Observation, Recipe, load_text
from initbench.datasets import DATASETS
from initbench.inits import INITS
from initbench.networks import NETWORKS
from initbench.optimizers import OPTIMIZERS
from initbench.plan import NUMERICS, Plan, StackPlan, Trial, plan
from initbench.schedules import SCHEDULES

reproducible = settings(derandomize=True, deadline=None)

RECIPE = Recipe(optimizer=OPTIMIZERS["sgd"](), schedule=SCHEDULES["constant"](), epochs=5)  # type: ignore[call-arg]
TRIAL = Trial(
    dataset=DATASETS["mnist_10k"](),
    network=NETWORKS["mlp"](),
    activation=ACTIVATIONS["relu"](),
    init=INITS["he"](),
    recipe=RECIPE,
    observation=Observation(),
    seed=0,
    data_seed=0,
    data_fingerprint="the samples",
)
GOLDEN_ID = "9e0a20521976f8b6"


def planned(text: str, *overrides: str) -> Plan:
    return plan(load_text(text, "x.yaml", overrides), Path("unused"))


def test_the_id_of_a_trial_is_the_same_in_every_version() -> None:
    # Records are found by id. If this fails, an option was added or changed: every stored record will be trained again.
    assert (TRIAL.id, NUMERICS) == (GOLDEN_ID, 3)


def test_ids_are_the_same_in_another_process_with_other_hashing() -> None:
    code = (
        "from pathlib import Path; from initbench.config import load_text; from initbench.plan import plan\n"
        "made = plan(load_text('init: [he, xavier]\\nseeds: 2'), Path('unused'))\n"
        "print([trial.id for trial in made.trials], [stack.id for stack in made.stacks(8)])"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    made = planned("init: [he, xavier]\nseeds: 2\n")
    assert told == {f"{[trial.id for trial in made.trials]} {[stack.id for stack in made.stacks(8)]}\n"}


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": DATASETS["synthetic"]()},
        {"network": NETWORKS["mlp"](depth=6)},  # type: ignore[call-arg]
        {"activation": ACTIVATIONS["tanh"]()},
        {"init": INITS["lecun"]()},  # whose options are those of he
        {"init": INITS["he"](mode="fan_out")},  # type: ignore[call-arg]
        {"recipe": RECIPE.model_copy(update={"optimizer": OPTIMIZERS["sgd"](lr=0.02)})},
        {"recipe": RECIPE.model_copy(update={"schedule": SCHEDULES["cosine"]()})},
        {"recipe": RECIPE.model_copy(update={"epochs": 6})},
        {"recipe": RECIPE.model_copy(update={"dtype": "float64"})},
        {"observation": Observation(eval_every=5)},
        {"observation": Observation(log_every=5)},
        {"observation": Observation(probe="none")},
        {"seed": 1},
        {"data_seed": 1},
        {"data_fingerprint": "other samples"},
    ],
    ids=str,
)
def test_everything_that_decides_a_trial_changes_its_id(change: dict[str, Any]) -> None:
    assert replace(TRIAL, **change).id != TRIAL.id


def test_schemes_with_equal_options_have_ids_of_their_own() -> None:
    he, lecun = INITS["he"](), INITS["lecun"]()
    assert he.options() == lecun.options()
    assert replace(TRIAL, init=lecun).id != TRIAL.id


@pytest.mark.parametrize("override", ["target.value=0.1", "name=other", "device=cpu", "init=he,xavier", "seeds=1,0"])
def test_what_does_not_decide_a_trial_leaves_its_id_alone(override: str) -> None:
    before = planned("init: he\nseeds: 1\n").trials[0]
    assert before.id in {trial.id for trial in planned("init: he\nseeds: 1\n", override).trials}


def test_an_alias_and_a_spelled_out_default_are_the_same_trial() -> None:
    short = planned("init: kaiming\nseeds: 1\n").trials
    spelled = planned(
        "init: {name: he, mode: fan_in}\nnetwork: {name: mlp, depth: 5}\nseeds: [0]\ndata_seed: 0\n"
    ).trials
    assert [trial.id for trial in short] == [trial.id for trial in spelled]


def test_trials_come_with_axes_outside_schemes_within_and_seeds_innermost() -> None:
    made = planned("init: [he, xavier]\nnetwork: {name: mlp, depth: [3, 4]}\nbatch_size: [8, 16]\nseeds: 2\n")
    rows = [
        (trial.network.options()["depth"], trial.recipe.batch_size, trial.init.label, trial.seed)
        for trial in made.trials
    ]
    assert len(made.trials) == len(rows) == 16
    assert rows == [
        (depth, batch, init, seed)
        for depth in (3, 4)
        for batch in (8, 16)
        for init in ("he", "xavier")
        for seed in (0, 1)
    ]
    assert made.trials[-1] == made.trials[15] == made.trials[14:][1]


def test_crossed_seeds_are_trained_in_every_pair() -> None:
    made = planned("init: he\nseeds: {init: 2, data: 3}\n")
    assert [(trial.seed, trial.data_seed) for trial in made.trials] == [(s, d) for s in range(2) for d in range(3)]


@pytest.mark.parametrize(
    ("text", "axes"),
    {
        "init: he": ("init",),
        "init: [he, xavier]\nnetwork: {name: mlp, depth: [3, 4]}": ("init", "network.depth"),
        "init: he\nnetwork: [{name: mlp, hidden: [8]}, {name: mlp, hidden: [9]}]": ("init", "network.hidden"),
        "init: he\nnetwork: [mlp, {name: cnn, depth: [3, 4]}]": ("init", "network"),
        "init: he\noptimizer: {name: sgd, lr: [0.1, 0.2]}\nactivation: [relu, tanh]": (
            *("init", "activation", "optimizer.lr"),
        ),
        "init: he\nsteps: [1, 2]\ndtype: [float32, float64]\ngrad_clip: [null, 1]": (
            "init",
            "steps",
            "grad_clip",
            "dtype",
        ),
    }.items(),
)
def test_axes_are_the_columns_along_which_trials_differ(text: str, axes: tuple[str, ...]) -> None:
    made = planned(text)
    assert made.axes == axes
    columns = [trial.columns() for trial in made.trials]
    cells = [tuple(row[axis] for axis in (*axes, "seed")) for row in columns]
    assert len(set(cells)) == len(cells)  # they tell all trials apart
    assert all(len({row[axis] for row in columns}) > 1 for axis in axes[1:])


def test_columns_describe_the_trial() -> None:
    cnn = NETWORKS["cnn"](strides=(2, 1))  # type: ignore[call-arg]
    columns = replace(TRIAL, network=cnn, init=INITS["normal"](std=0.01), seed=3).columns()  # type: ignore[call-arg]
    expected = {
        "init": "normal[std=0.01]",
        "init.std": 0.01,
        "network": "cnn[strides=[2,1]]",
        "network.strides": "[2,1]",
        "dataset": "mnist_10k",
        "activation": "relu",
        "optimizer": "sgd",
        "optimizer.lr": 0.01,
        "schedule": "constant",
        "schedule.warmup": 0,
        "batch_size": 128,
        "epochs": 5,
        "steps": None,
        "weight_decay": 0.0,
        "grad_clip": None,
        "dtype": "float32",
        "seed": 3,
        "data_seed": 0,
    }
    assert {key: columns[key] for key in expected} == expected
    trial = replace(TRIAL, network=cnn, init=INITS["normal"](std=0.01), seed=3)  # type: ignore[call-arg]
    axes = expected.keys() - {"seed", "data_seed"}  # seeds are no axes
    assert {key: trial.column(key) for key in axes} == {key: expected[key] for key in axes}


@pytest.mark.parametrize(
    ("schemes", "seeds", "limit", "sizes"),
    [
        (6, 5, 8, [8, 8, 7, 7]),
        (2, 5, 8, [5, 5]),
        (3, 1, 8, [3]),
        (1, 1, 8, [1]),
        (4, 1, 8, [4]),  # two stacks of 2 would be too small
        (6, 1, 8, [3, 3]),
        (3, 3, 4, [3, 3, 3]),  # four would be too small, two too large
        (2, 2, 1, [1, 1, 1, 1]),  # a limit holds whatever it costs
    ],
)
def test_groups_are_cut_into_an_even_number_of_stacks_of_like_size(
    schemes: int, seeds: int, limit: int, sizes: list[int]
) -> None:
    stds = ",".join(str(index + 1) for index in range(schemes))
    made = planned(f"init: normal[std={stds}]\nseeds: {seeds}\n")
    assert [len(stack.trials) for stack in made.stacks(limit)] == sizes
    assert list(made.stacks(lambda trial: limit + trial.seed)) == list(made.stacks(limit))  # the first has seed 0


@reproducible
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12))
def test_stacks_hold_every_trial_once_within_the_limit(schemes: int, seeds: int, limit: int) -> None:
    stds = ",".join(str(index + 1) for index in range(schemes))
    made = planned(f"init: normal[std={stds}]\nnetwork: {{name: mlp, depth: [2, 3]}}\nseeds: {seeds}\n")
    stacks = made.stacks(limit)
    assert sorted(trial.id for stack in stacks for trial in stack.trials) == sorted(trial.id for trial in made.trials)
    assert len({stack.id for stack in stacks}) == len(stacks)
    for group in (stacks[: len(stacks) // 2], stacks[len(stacks) // 2 :]):
        counts = [len(stack.trials) for stack in group]
        assert max(counts) <= limit
        assert max(counts) - min(counts) <= 1


def test_trials_of_a_stack_are_alike_and_neighbours_share_batches() -> None:
    made = planned("init: [he, xavier, lecun]\nnetwork: {name: mlp, depth: [2, 3]}\nseeds: 4\n")
    for stack in made.stacks(8):
        first = stack.trials[0]
        assert {replace(trial, init=first.init, seed=0, data_seed=0) for trial in stack.trials} == {
            replace(first, seed=0, data_seed=0)
        }
        order = [(trial.data_seed, trial.seed) for trial in stack.trials]
        assert all(before <= after for before, after in pairwise(order))


def test_a_stack_is_named_by_its_trials() -> None:
    other = replace(TRIAL, seed=1)
    ids = {StackPlan(trials).id for trials in ((TRIAL,), (other,), (TRIAL, other))}
    assert len(ids) == 3
    assert StackPlan((TRIAL, other)).id == StackPlan((TRIAL, replace(other))).id


def test_a_plan_of_a_million_trials_costs_nothing_until_it_is_asked_for() -> None:
    rates = ",".join(f"{index / 1000}" for index in range(1, 101))
    made = planned("init: [he, xavier]\nseeds: 5000\n", f"optimizer.lr={rates}")
    assert len(made.trials) == 1_000_000
    last = made.trials[-1]
    assert (last.init.label, last.seed, last.recipe.optimizer.lr) == ("xavier", 4999, 0.1)
    assert len(made.stacks(8)) == 100 * 1250


def test_ids_of_a_plan_are_those_of_its_trials() -> None:
    made = planned(
        "dataset: ['synthetic[shape=[1,4,4]]', mnist_10k]\nnetwork: [{name: mlp, depth: [3, 4]}, cnn]\n"
        "activation: [relu, tanh]\n"
        "init: [he, 'normal[std=0.1,1e-5]']\noptimizer: {name: sgd, lr: [0.1, 0.2]}\nschedule: [constant, cosine]\n"
        "batch_size: [8, 16]\nsteps: [5, 6]\nweight_decay: [0, 0.1]\ngrad_clip: [null, 1]\n"
        "dtype: [float32, float64]\n"
        "seeds: {init: 1, data: [7, 3]}\nprobe: [1, last]\n"
    )
    every = 97  # prime, so that all points of all axes are met
    assert list(made.trials.ids())[::every] == [trial.id for trial in made.trials[::every]]


@reproducible
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9), st.data())
def test_the_stacks_that_hold_chosen_trials_are_found(
    schemes: int, seeds: int, limit: int, data: st.DataObject
) -> None:
    stds = ",".join(str(index + 1) for index in range(schemes))
    made = planned(
        f"init: normal[std={stds}]\nnetwork: {{name: mlp, depth: [2, 3]}}\nseeds: {{init: {seeds}, data: [4, 1]}}\n"
    )
    limits = {2: limit, 3: limit + 1}
    stacks = made.stacks(lambda trial: limits[trial.network.options()["depth"]])
    ids = list(made.trials.ids())
    chosen = np.array(data.draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids))))
    wanted = {trial for trial, flag in zip(ids, chosen, strict=True) if flag}
    held = [place for place, stack in enumerate(stacks) if wanted & {trial.id for trial in stack.trials}]
    assert stacks.holding(chosen).tolist() == held
