"""From YAML and overrides to an experiment, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from initbench.config import CATALOGS, ConfigError, Experiment, Observation, Recipe, Target, load, load_text
from initbench.config.reading import read_document
from initbench.config.writing import yaml_text
from initbench.optimizers import Optimizer
from initbench.schedules import Schedule

reproducible = settings(derandomize=True, deadline=None)


def experiment(text: str, *overrides: str) -> Experiment:
    return load_text(text, "x.yaml", overrides)


def loaded_or_refused(text: str, *overrides: str) -> Experiment | ConfigError:
    try:
        return load_text(text, overrides=overrides)
    except ConfigError as error:
        return error


def labels(components: tuple[Any, ...]) -> list[str]:
    return [component.label for component in components]


def test_init_alone_is_a_config_and_the_rest_has_defaults() -> None:
    found = experiment("init: he\n")
    components = {kind: labels(getattr(found, kind)) for kind in CATALOGS}
    assert components == {
        "dataset": ["mnist_10k"],
        "network": ["mlp[depth=5,width=128]"],
        "activation": ["relu"],
        "init": ["he"],
        "optimizer": ["sgd"],
        "schedule": ["constant"],
    }
    assert (found.name, found.device, found.seeds, found.data_seed) == ("x", "auto", (0, 1, 2, 3, 4), None)
    assert (found.batch_size, found.epochs, found.steps, found.dtype) == ((128,), (5,), None, ("float32",))
    assert found.observation == Observation(eval_every=None, log_every=10, probe="powers")
    assert found.target == Target(metric="train_loss", value=0.5)


def test_lists_are_axes_for_components_options_and_scalars() -> None:
    found = experiment(
        "init: [he, 'normal[std=0.01,0.1]', {name: xavier, distribution: [normal, uniform]}]\n"
        "network: {name: mlp, depth: [5, 10], width: [64, 128]}\n"
        "optimizer: [sgd, {name: adam, lr: [1e-3, 1]}]\n"
        "batch_size: [50, 100]\ngrad_clip: [null, 1]\nepochs: [1, 2]\n"
    )
    assert labels(found.init) == ["he", "normal[std=0.01]", "normal[std=0.1]", "xavier[distribution=normal]", "xavier"]
    assert labels(found.network) == [f"mlp[depth={depth},width={width}]" for depth in (5, 10) for width in (64, 128)]
    assert labels(found.optimizer) == ["sgd", "adam", "adam[lr=1.0]"]
    assert (found.batch_size, found.grad_clip, found.epochs) == ((50, 100), (None, 1.0), (1, 2))


def test_a_flat_list_of_widths_is_one_network_and_a_list_of_lists_is_several() -> None:
    assert labels(experiment("init: he\nnetwork: {name: mlp, hidden: [8, 4]}\n").network) == ["mlp[hidden=[8,4]]"]
    assert labels(experiment("init: he\nnetwork: {name: mlp, hidden: [[8, 4], [8]]}\n").network) == [
        "mlp[hidden=[8,4]]",
        "mlp[hidden=[8]]",
    ]


def test_yes_and_off_are_text_and_1e_3_is_a_number() -> None:
    assert experiment("init: he\nname: yes\n").name == "yes"
    assert experiment("init: he\noptimizer: {name: sgd, lr: 1e-3}\nbatch_size: 1e2\n").batch_size == (100,)


def test_anchors_are_followed() -> None:
    found = experiment("init: &schemes [he, xavier]\nseeds: &three 3\nbatch_size: 64\nepochs: *three\n")
    assert (labels(found.init), found.seeds, found.epochs) == (["he", "xavier"], (0, 1, 2), (3,))


@pytest.mark.parametrize(
    ("text", "pairs"),
    {
        "seeds: 2": ((0, 0), (1, 1)),
        "seeds: [7, 3]": ((7, 7), (3, 3)),
        "seeds: 2\ndata_seed: 9": ((0, 9), (1, 9)),
        "seeds: {init: 2, data: [5, 6]}": ((0, 5), (0, 6), (1, 5), (1, 6)),
    }.items(),
)
def test_seeds_are_a_count_a_list_or_crossed(text: str, pairs: tuple[tuple[int, int], ...]) -> None:
    found = experiment(f"init: he\n{text}\n")
    assert tuple(map(found.seed_pair, range(found.repetitions))) == pairs
    assert load_text(found.to_yaml(), "other.yaml") == found


@pytest.mark.parametrize(
    ("target", "expected"),
    {
        "{value: 0.3}": Target(metric="train_loss", value=0.3),
        "{metric: train_loss}": Target(metric="train_loss", value=0.5),
        "{metric: test_accuracy, value: 1}": Target(metric="test_accuracy", value=1.0),
        "null": Target(metric="train_loss", value=0.5),
    }.items(),
)
def test_what_a_target_leaves_open_suits_the_dataset(target: str, expected: Target) -> None:
    assert experiment(f"init: he\ntarget: {target}\n").target == expected


def test_overrides_set_values_axes_and_options_the_last_one_last() -> None:
    text = "init: he\nnetwork: {name: mlp, depth: 4}\noptimizer: [sgd, adam]\nsteps: 10\n"
    found = experiment(
        text,
        *("network.depth=10,20", "init=xavier,normal[std=0.1]", "optimizer.lr=0.1,0.2", "seeds=4", "seeds=3"),
        *("target.metric=test_accuracy", "target.value=0.5", "epochs=2", "probe=0,last", "schedule.warmup=5"),
    )
    assert labels(found.network) == ["mlp[depth=10,width=128]", "mlp[depth=20,width=128]"]
    assert labels(found.init) == ["xavier", "normal[std=0.1]"]
    assert labels(found.optimizer) == ["sgd[lr=0.1]", "sgd[lr=0.2]", "adam[lr=0.1]", "adam[lr=0.2]"]
    assert labels(found.schedule) == ["constant[warmup=5]"]
    assert (found.seeds, found.epochs, found.steps, found.observation.probe) == ((0, 1, 2), (2,), None, (0, "last"))
    assert found.target == Target(metric="test_accuracy", value=0.5)


def test_an_override_can_supply_what_the_file_lacks() -> None:
    assert labels(experiment("seeds: 1\n", "init=he").init) == ["he"]


@pytest.mark.parametrize(
    "text",
    [
        "init: he\n",
        "init: [he, 'normal[std=1e-05,0.1]']\nnetwork: [{name: mlp, hidden: [8, 4]}, {name: mlp, depth: [2, 3]}]\n",
        "init: he\nname: 'yes'\n",
        "init: he\nname: '1e3'\n",
        "init: he\nname: 'null'\n",
        "init: he\nname: h\u00e9 2026-11-22\nsteps: [10, 20]\nprobe: [0, 5, last]\neval_every: 7\n",
        "init: he\noptimizer: {name: adam, betas: [[0.9, 0.99], [0.8, 0.9]]}\nseeds: {init: 3, data: [4, 2]}\n",
        "init: he\ndataset: {name: synthetic, shape: [1, 4, 4], noise: 0.5}\nnetwork: {name: cnn, strides: []}\n",
        "init: he\nprobe: none\ndtype: [float64, float32]\nweight_decay: [0, 1e-4]\ngrad_clip: [null, 2]\n",
        "init: he\ntarget: {metric: test_loss, value: 1}\n",
    ],
)
def test_the_resolved_config_loads_to_the_same_experiment(text: str) -> None:
    found = experiment(text)
    assert load_text(found.to_yaml(), "elsewhere.yaml") == found
    assert load_text(found.to_yaml(), "elsewhere.yaml").to_yaml() == found.to_yaml()


def test_load_reads_a_path_or_a_shipped_config_by_its_bare_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("\ufeffinit: he  # with the byte order mark of some editors\r\n", newline="")
    assert load("mine.yaml").name == load(tmp_path / "mine.yaml").name == "mine"
    assert load("smoke").name == load("smoke.yaml").name == "smoke"
    Path("smoke").mkdir()
    assert load("smoke").name == "smoke"  # a results folder of that name does not hide it


@pytest.mark.parametrize(
    ("probe", "steps", "expected"),
    [
        ("powers", 10, (0, 1, 2, 4, 8, 10)),
        ("powers", 8, (0, 1, 2, 4, 8)),
        ("powers", 1, (0, 1)),
        ("none", 10, ()),
        ((5, "last", 0, 5), 10, (0, 5, 10)),
        ((5, 50), 10, (5,)),
    ],
)
def test_layers_are_measured_at_the_steps_asked_for(probe: Any, steps: int, expected: tuple[int, ...]) -> None:
    assert Observation(probe=probe).probe_steps(steps) == expected


@reproducible
@given(st.integers(1, 10_000))
def test_powers_start_at_0_end_with_the_last_step_and_double_in_between(steps: int) -> None:
    found = Observation().probe_steps(steps)
    doubling = found[1:-1]
    assert (found[0], found[-1]) == (0, steps)
    assert doubling == tuple(2**power for power in range(len(doubling)))
    assert 2 ** len(doubling) >= steps


def test_a_recipe_counts_its_steps_in_epochs_or_updates() -> None:
    optimizer: Optimizer = CATALOGS["optimizer"]["sgd"]()
    schedule: Schedule = CATALOGS["schedule"]["constant"]()
    assert Recipe(optimizer=optimizer, schedule=schedule, epochs=3).total_steps(per_epoch=78) == 234
    assert Recipe(optimizer=optimizer, schedule=schedule, steps=10).total_steps(per_epoch=78) == 10
    with pytest.raises(ValueError, match="either epochs or steps"):
        Recipe(optimizer=optimizer, schedule=schedule, epochs=3, steps=10)


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "on", "1"]), inner, max_size=3),
    max_leaves=8,
)


@reproducible
@given(PLAIN)
def test_written_yaml_reads_back_to_the_same_values(value: object) -> None:
    assert read_document(yaml_text({"key": value}), "x.yaml").value == {"key": value}


@reproducible
@given(st.text())
def test_any_text_is_an_experiment_or_a_config_error(text: str) -> None:
    assert str(loaded_or_refused(text))


NAMES = st.sampled_from(
    ["he", "mlp", "cnn", "relu", "sgd", "hee", "normal[std=0.01,0.1]", "he[", "cosine", "synthetic", ""]
)
NUMBERS = st.integers(-2, 40) | st.sampled_from([0.5, -1.0, 1e9, float("inf"), float("nan")])
LEAVES = NAMES | NUMBERS | st.booleans() | st.none()
OPTION_NAMES = st.sampled_from(
    ["name", "depth", "width", "hidden", "std", "lr", "kernel", "strides", "init", "metric", "value"]
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(OPTION_NAMES, inner, max_size=4)
)


@reproducible
@given(st.dictionaries(st.sampled_from([*Experiment.model_fields, "seeds", "probe", "x"]), VALUES, max_size=6))
def test_any_yaml_is_an_experiment_that_reads_back_or_a_config_error(values: dict[str, object]) -> None:
    found = loaded_or_refused(yaml.safe_dump(values))
    if isinstance(found, Experiment):
        assert load_text(found.to_yaml()) == found
    else:
        assert all(line.startswith("config.yaml") for line in str(found).splitlines())


OVERRIDES = st.builds("{}={}".format, st.sampled_from(["init", "network.depth", "seeds", "target.value"]), st.text())


@reproducible
@given(st.lists(OVERRIDES | st.text(max_size=20), max_size=4))
def test_any_override_is_an_experiment_or_a_config_error(overrides: list[str]) -> None:
    assert str(loaded_or_refused("init: he\n", *overrides))


def test_schemes_on_the_command_line_may_stand_in_brackets_as_in_yaml() -> None:
    bracketed = load_text("init: he", "x.yaml", ["init=[lecun, normal[std=0.01,0.1]]"])
    assert [init.label for init in bracketed.init] == ["lecun", "normal[std=0.01]", "normal[std=0.1]"]
