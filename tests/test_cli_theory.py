"""``initbench theory``: the golden values of mean-field theory, through the command line."""

import json
import math
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from initbench.cli import app

KEYS = {
    *("q_star", "chi1", "c_star", "xi_q", "xi_c", "phase", "weight_variance", "bias_variance"),
    *("forward_gain", "backward_gain", "std_gain"),
}

# Poole et al. 2016 and Schoenholz et al. 2017: tanh at bias variance 0.05
TANH = {
    1.0: (0.193593, 0.759032, 1.0, 3.627, "ordered"),
    1.5: (0.418037, 0.938636, 1.0, 15.791, "ordered"),
    2.5: (1.063958, 1.133516, 0.446804, 11.796, "chaotic"),
    4.0: (2.195494, 1.342402, 0.165065, 6.980, "chaotic"),
}
CRITICAL = {0.01: (1.424205, 0.273301), 0.05: (1.760955, 0.570048), 0.1: (1.986073, 0.805799)}
FORWARD_GAINS = {
    "relu": 1.414214,
    "tanh": 1.592537,
    "sigmoid": 1.846229,
    "elu": 1.245198,
    "selu": 1.0,
    "gelu": 1.533530,
    "silu": 1.676532,
    "softplus": 1.041867,
    "softsign": 2.337533,
    "leaky_relu[slope=0.2]": 1.386750,
}
BACKWARD_GAINS = {"tanh": 1.467414, "relu": 1.414214}


def theory(*arguments: str) -> dict:
    result = CliRunner().invoke(app, ["theory", "--json", *arguments])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("weight_variance", TANH)
def test_the_fixed_points_of_tanh_are_those_of_the_literature(weight_variance):
    found = theory("--activation", "tanh", "--weight-variance", str(weight_variance), "--bias-variance", "0.05")
    q_star, chi1, c_star, xi_c, phase = TANH[weight_variance]
    assert found.keys() >= KEYS
    assert found["q_star"] == pytest.approx(q_star, rel=1e-4)
    assert found["chi1"] == pytest.approx(chi1, rel=1e-4)
    assert found["c_star"] == pytest.approx(c_star, rel=1e-3)
    assert found["xi_c"] == pytest.approx(xi_c, rel=1e-3)
    assert found["phase"] == phase


@pytest.mark.parametrize("bias_variance", CRITICAL)
def test_the_critical_line_of_tanh_is_found_from_either_side(bias_variance):
    weight_variance, q_star = CRITICAL[bias_variance]
    found = theory("--activation", "tanh", "--critical", "--bias-variance", str(bias_variance))
    assert found["weight_variance"] == pytest.approx(weight_variance, rel=1e-4)
    assert found["q_star"] == pytest.approx(q_star, rel=1e-4)
    assert found["phase"] == "critical"
    assert found["xi_c"] is None  # infinite
    back = theory("--activation", "tanh", "--critical", "--weight-variance", str(found["weight_variance"]))
    assert back["bias_variance"] == pytest.approx(bias_variance, rel=1e-6)


@pytest.mark.parametrize("activation", FORWARD_GAINS)
def test_gains_are_exact_to_the_last_printed_digit(activation):
    found = theory("--activation", activation, "--weight-variance", "1")
    assert found["forward_gain"] == pytest.approx(FORWARD_GAINS[activation], abs=1e-6)
    if activation in BACKWARD_GAINS:
        assert found["backward_gain"] == pytest.approx(BACKWARD_GAINS[activation], abs=1e-6)


def test_the_standard_deviation_gain_of_relu_is_another_than_its_gain():
    found = theory("--activation", "relu", "--weight-variance", "2")
    assert found["std_gain"] == pytest.approx(math.sqrt(2 / (1 - 1 / math.pi)), rel=1e-9)  # Brock et al. 2021
    assert (found["phase"], found["bias_variance"]) == ("critical", 0)


def test_a_missing_critical_point_is_an_answer():
    found = theory("--activation", "relu", "--critical", "--bias-variance", "0.05")
    assert found["weight_variance"] is found["q_star"] is found["phase"] is None
    result = CliRunner().invoke(app, ["theory", "--activation", "relu", "--critical", "--bias-variance", "0.05"])
    assert "relu has no critical point at bias variance 0.05." in result.stdout


def test_people_get_a_table_and_a_sentence():
    arguments = ["--activation", "tanh", "--weight-variance", "1.5", "--bias-variance", "0.05"]
    result = CliRunner().invoke(app, ["theory", *arguments], env={"COLUMNS": "200"})
    lines = result.stdout.splitlines()
    assert lines[0] == "tanh, σ_w² = 1.5, σ_b² = 0.05"
    shown = {line.split()[0]: line.split()[1] for line in lines[1:-1]}
    values = {"q*": "0.4180", "χ₁": "0.9386", "c*": "1.000", "ξ_q": "1.683", "ξ_c": "15.79", "phase": "ordered"}
    assert shown == {**values, "1/√E[φ²]": "1.593", "1/√E[φ'²]": "1.467", "1/√Var": "φ"}
    assert lines[-1] == (
        "Ordered: inputs become alike, the variance of gradients shrinks by a factor of 0.939 per layer, and a network "
        "trains to a depth of a few times ξ_c = 15.8 layers."
    )


@pytest.mark.parametrize(
    ("arguments", "any_scale"),
    [
        (("relu", "--critical"), "2 for an input of second moment 1"),
        (("leaky_relu[slope=0.2]", "--critical"), "1.923 for an input of second moment 1"),
        (("tanh", "--critical", "--bias-variance", "0.05"), None),
        (("relu", "--weight-variance", "1.99", "--bias-variance", "0.05"), None),
    ],
)
def test_every_variance_is_a_fixed_point_of_rectifiers_on_the_critical_line(arguments, any_scale):
    result = CliRunner().invoke(app, ["theory", "--activation", *arguments], env={"COLUMNS": "200"})
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("q*")]
    assert (line.split()[1] == "any") == (any_scale is not None)
    assert (any_scale or "deep inside") in line
    assert theory("--activation", *arguments)["q_star"] > 0  # a number for programs


@pytest.mark.slow
def test_the_phase_diagram_is_drawn_as_png_and_svg(tmp_path):
    found = theory("--activation", "tanh", "--map", "--out", str(tmp_path / "maps"))
    png, svg = (tmp_path / "maps" / f"phase_diagram_tanh.{kind}" for kind in ("png", "svg"))
    assert found["files"] == [str(png), str(svg)]
    assert png.read_bytes().startswith(b"\x89PNG")
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")  # noqa: S314 - our own file


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--activation", "tnh", "--weight-variance", "1"], "did you mean tanh?"),
        (["--activation", "tanh"], "give --weight-variance"),
        (["--activation", "tanh", "--critical", "--weight-variance", "1", "--bias-variance", "1"], "for the other"),
        (["--activation", "relu,tanh", "--weight-variance", "1"], "names 2 activations, expected one"),
        (["--activation", "tanh", "--weight-variance", "-1"], "--weight-variance: found -1, expected a finite number"),
        (["--activation", "tanh", "--bias-variance", "inf", "--critical"], "--bias-variance: found inf"),
    ],
)
def test_wrong_use_is_one_message(arguments, message):
    result = CliRunner().invoke(app, ["theory", *arguments])
    assert result.exit_code == 2
    assert message in result.output
