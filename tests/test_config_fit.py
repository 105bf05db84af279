"""Schemes and networks that do not fit: refused when a config is loaded, or worth a sentence of warning."""

from pathlib import Path

import pytest
import torch

from initbench.config import ConfigError, Experiment, concerns, load_text

DATASET = "dataset: {name: synthetic, features: 6, classes: 3, samples: 256}\n"


def loaded(text: str, folder: Path) -> Experiment:
    return load_text(DATASET + text, "config.yaml", (), folder)


def test_a_residual_scheme_for_a_plain_network_is_refused_at_load(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded("network: 'mlp[depth=3]'\ninit: [he, fixup]\n", tmp_path)
    assert str(caught.value) == (
        "config.yaml:3: init: fixup needs residual branches (network: resnet), found none in mlp[depth=3,width=128]"
    )


def test_every_network_of_an_axis_is_looked_at(tmp_path: Path) -> None:
    networks = "network: ['resnet[depth=4]', 'resnet[depth=4,multipliers=true]', mlp]\n"
    with pytest.raises(ConfigError) as caught:
        loaded(networks + "init: [rezero]\n", tmp_path)
    assert [line.rpartition("found ")[2] for line in str(caught.value).splitlines()] == [
        "none in resnet[depth=4]",
        "none in mlp[depth=5,width=128]",
    ]


def test_networks_larger_than_memory_should_bear_are_looked_at_without_building_them(tmp_path: Path) -> None:
    wide = "network: 'resnet[depth=4,width=100000,multipliers=true]'\nactivation: prelu\n"  # 80 GB of weights
    assert concerns(loaded(wide + "init: [fixup, lecun]\n", tmp_path), tmp_path) == (
        "lecun assumes the activation selu or linear, found prelu",
    )


def test_a_concern_is_told_once_for_all_networks(tmp_path: Path) -> None:
    text = "network: [mlp, 'mlp[depth=9]']\nactivation: [relu, selu, tanh]\ninit: [lecun, orthogonal, he]\n"
    assert concerns(loaded(text, tmp_path), tmp_path) == (
        "lecun assumes the activation selu or linear, found relu",
        "lecun assumes the activation selu or linear, found tanh",
        "he assumes the activation relu, leaky_relu or prelu, found selu",
        "he assumes the activation relu, leaky_relu or prelu, found tanh",
    )


def test_schemes_without_assumptions_have_no_concerns(tmp_path: Path) -> None:
    assert concerns(loaded("init: [orthogonal]\n", tmp_path), tmp_path) == ()


def test_looking_does_not_touch_the_global_generator(tmp_path: Path) -> None:
    state = torch.random.get_rng_state()
    experiment = loaded("network: 'resnet[multipliers=true]'\ninit: [rezero, he]\n", tmp_path)
    assert concerns(experiment, tmp_path) == ()
    assert torch.equal(state, torch.random.get_rng_state())
