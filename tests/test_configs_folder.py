"""The configs that ship with the package are planned, and say what to look for."""

from __future__ import annotations

from pathlib import Path

import pytest

from initbench.config import load, load_text, shipped_configs, template
from initbench.plan import plan

NAMES = ("ci", "classic_mlp", "deep_cnn", "deep_relu", "deep_tanh", "depth_sweep", "lr_sweep", "selu", "smoke")


def test_the_shipped_configs_are_found_by_name() -> None:
    assert tuple(shipped_configs()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_config_is_planned(name: str, tmp_path: Path) -> None:
    experiment = load(name)
    planned = plan(experiment, tmp_path)
    assert experiment.name == name
    assert (
        len({trial.id for trial in planned.trials})
        == len(planned.trials)
        == len(experiment.init) * (len(experiment.network) * len(experiment.optimizer) * len(experiment.seeds))
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_config_opens_with_what_it_shows(name: str) -> None:
    opening = shipped_configs()[name].read_text().partition("\n\n")[0]
    assert opening.startswith("# ")
    assert all(line.startswith("#") for line in opening.splitlines())


def test_deep_relu_is_the_30_layer_network_of_the_paper() -> None:
    experiment = load("deep_relu")
    assert [network.label for network in experiment.network] == ["mlp[depth=30,width=128]"]
    assert [init.label for init in experiment.init] == [
        *("he", "xavier", "lecun", "orthogonal", "normal[std=0.01]", "torch_default")
    ]
    assert [optimizer.label for optimizer in experiment.optimizer] == ["sgd[momentum=0.9]"]
    assert (experiment.batch_size, experiment.epochs, len(experiment.seeds)) == ((128,), (5,), 5)


def test_the_comparison_is_a_22_layer_network() -> None:
    experiment = load_text(template("compare"), "compare.yaml")
    assert [network.label for network in experiment.network] == ["mlp[depth=22,width=128]"]
    assert [optimizer.label for optimizer in experiment.optimizer] == ["sgd[momentum=0.9]"]
    assert (experiment.batch_size, experiment.epochs, len(experiment.seeds)) == ((128,), (5,), 6)


def test_the_starter_shows_every_key_and_its_default() -> None:
    text = template("starter")
    minimal = load_text(
        "init: [he, xavier, 'normal[std=0.01,0.1]']\n", "my.yaml", ["network.depth=10", "optimizer.momentum=0.9"]
    )
    assert text.startswith("# yaml-language-server: $schema=")
    assert load_text(text, "my.yaml") == minimal
    keys = minimal.to_yaml().splitlines()
    missing = {line.partition(":")[0] for line in keys if line[0].isalpha()} - {"name", "target"}
    assert not {key for key in missing if f"\n{key}:" not in text}
    assert "# target:" in text
