"""``initbench recommend``: what the ranking must get right."""

import io
import json

import pytest
from rich.console import Console
from typer.testing import CliRunner

from initbench.analysis.recommendation import is_made_for
from initbench.cli import app, console
from initbench.inits import INITS

DATA = ["--dataset", "synthetic[features=64,classes=4,samples=256,test_samples=10]", "--set", "batch_size=32"]


@pytest.fixture(autouse=True)
def _without_a_data_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INITBENCH_DATA", raising=False)


def recommended(*arguments: str) -> dict:
    result = CliRunner().invoke(app, ["recommend", "--json", "--top", "30", *arguments, *DATA])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def named(found: dict) -> set[str]:
    return {name for one in found["recommended"] for name in (one["init"], *one["alike"])}


def names(found: dict) -> list[str]:
    return [one["init"] for one in found["recommended"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "first", "among"),
    [
        (["--activation", "relu", "--depth", "30", "--width", "64"], "he", {"critical", "lsuv"}),
        (["--activation", "selu", "--depth", "30", "--width", "64"], "lecun", {"lecun"}),
        (["--activation", "selu", "--depth", "100", "--width", "64"], "lecun", {"lecun"}),
        (["--activation", "tanh", "--depth", "30", "--width", "64"], "critical", {"xavier", "orthogonal", "lsuv"}),
        (["--activation", "linear", "--depth", "30", "--width", "64"], "orthogonal", {"lecun"}),
        (["--activation", "gelu", "--depth", "30", "--width", "64"], "lsuv", {"lsuv"}),
        (["--activation", "relu", "--depth", "3", "--width", "64"], "he", {"xavier", "lsuv"}),
    ],
)
def test_the_classic_pairs_come_first(arguments, first, among):
    found = recommended(*arguments)
    assert names(found)[0] == first
    assert among <= named(found)
    assert not {"zeros", "constant"} & named(found)
    assert "zeros" in {one["init"] for one in found["not_recommended"]}


@pytest.mark.slow
def test_vanishing_schemes_are_not_recommended_for_deep_relu_networks():
    found = recommended("--depth", "30", "--width", "64")
    assert not {"xavier", "lecun", "torch_default"} & named(found)


@pytest.mark.slow
def test_of_schemes_that_draw_the_same_variances_one_is_recommended_and_the_others_named():
    found = recommended("--activation", "selu", "--depth", "30", "--width", "64")
    first = found["recommended"][0]
    assert (first["init"], "flax_default" in first["alike"]) == ("lecun", True)
    assert "orthogonal" in names(found)  # whose weights have these variances too, but are not independent
    assert "The same variances: " in first["why"]
    every = [name for one in found["recommended"] for name in (one["init"], *one["alike"])]
    assert len(every) == len(set(every))


@pytest.mark.slow
def test_schemes_for_layers_that_the_network_lacks_are_left_out():
    found = recommended("--activation", "tanh", "--depth", "6", "--width", "16")
    reasons = {one["init"]: one["why"] for one in found["not_recommended"]}
    assert not {"orthogonal_conv", "delta_orthogonal"} & named(found)
    assert reasons["orthogonal_conv"] == "assumes convolutions (network: cnn), found none"


@pytest.mark.slow
def test_a_scheme_for_few_layers_comes_after_those_for_deep_networks():
    found = names(recommended("--activation", "selu", "--depth", "30", "--width", "128"))
    assert found.index("orthogonal") < found.index("tf1_truncated")  # which has about their variance at this width


@pytest.mark.slow
def test_progress_is_shown_on_a_terminal_and_leaves_the_output_alone(monkeypatch):
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    monkeypatch.setattr(console, "err", lambda: screen)
    assert recommended("--depth", "4", "--width", "8")["recommended"]
    assert "drawing schemes" in screen.file.getvalue()


@pytest.mark.slow
def test_schemes_made_for_residual_networks_are_recommended_for_them():
    found = recommended("--network", "resnet[depth=20,width=32,multipliers=true]")
    assert {"fixup", "rezero", "skipinit"} <= set(names(found)[:5])
    assert all("start closed" in one["why"] for one in found["recommended"][:3])
    assert "zeros" in {one["init"] for one in found["not_recommended"]}


@pytest.mark.slow
def test_each_recommendation_says_why_and_cites_its_paper():
    found = recommended("--activation", "selu", "--depth", "6", "--width", "32")
    for one in found["recommended"]:
        assert one["why"]
        assert any(character.isdigit() for character in one["paper"])  # the year
    assert "Self-Normalizing Neural Networks" in found["recommended"][0]["paper"]
    text = CliRunner().invoke(app, ["recommend", "--depth", "6", "--width", "32", *DATA]).stdout
    assert "1. he: healthy" in text
    assert "Delving Deep into Rectifiers" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("more", "told"), [([], "4 draws"), (["--set", "seeds=2"], "2 draws"), (["--set", "seeds=1"], "1 draw")]
)
def test_the_number_of_draws_is_the_one_that_was_measured(more, told):
    result = CliRunner().invoke(app, ["recommend", "--depth", "4", "--width", "8", *DATA, *more])
    assert f"Measured on {told} each;" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("init", "activation", "expected"),
    [
        ("he", "relu", True),
        ("he", "leaky_relu", True),
        ("he", "selu", False),
        ("lecun", "selu", True),
        ("xavier", "tanh", True),
        ("xavier", "relu", False),  # what follows the semicolon is a limit
        ("orthogonal", "linear", True),
    ],
)
def test_a_scheme_is_made_for_the_activations_that_it_names(init, activation, expected):
    assert is_made_for(INITS[init].suits, activation) == expected
