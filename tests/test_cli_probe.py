"""``initbench probe``: schemes diagnosed before training."""

import json
import math

import pandas as pd
import pytest
from typer.testing import CliRunner

import initbench
from initbench.analysis.propagation import backward
from initbench.cli import app

KEYS = {"init", "verdict", "chi1", "depth_scale", "layers"}
LAYER_KEYS = {
    *("layer", "weight_std", "preact_variance", "predicted_preact_variance", "activation_variance", "grad_variance"),
    *("predicted_grad_variance", "dead_fraction"),
}
DATA = ["--dataset", "synthetic[features=64,classes=4,samples=256,test_samples=10]", "--set", "batch_size=32"]


@pytest.fixture(autouse=True)
def _without_a_data_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INITBENCH_DATA", raising=False)


def run(*arguments: str):
    return CliRunner().invoke(app, ["probe", *arguments, *DATA], env={"COLUMNS": "100"})


def schemes(*arguments: str) -> dict[str, dict]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return {scheme["init"]: scheme for scheme in json.loads(result.stdout)["schemes"]}


def test_he_is_healthy_and_xavier_vanishes_in_a_deep_relu_network():
    found = schemes("he", "xavier", "--depth", "20", "--width", "64", "--seeds", "6")
    he, xavier = found["he"], found["xavier"]
    assert he.keys() >= KEYS
    assert all(layer.keys() >= LAYER_KEYS for layer in he["layers"])
    assert [layer["layer"] for layer in he["layers"]] == list(range(1, 21))
    assert (he["verdict"], he["phase"], he["depth_scale"]) == ("healthy", "critical", None)
    assert he["chi1"] == pytest.approx(1)
    # weights of variance 1/64: half of the second moment is lost in each layer
    assert xavier["verdict"] == "vanishing"
    assert xavier["chi1"] == pytest.approx(0.5, rel=0.02)  # 18 layers of 64² weights: 0.2 % a scheme, of 6 draws less
    assert xavier["depth_scale"] == pytest.approx(1 / math.log(2), rel=0.03)
    assert xavier["critical_gain"] == pytest.approx(math.sqrt(2), rel=0.01)
    # 2⁻¹⁴ is the first below 1 in 10,000: layer 15 going up from 1, layer 5 going down from 19; drift moves it by two
    assert xavier["forward"]["first_bad_layer"] in {"layer13", "layer14", "layer15", "layer16"}
    assert xavier["backward"]["first_bad_layer"] in {"layer4", "layer5", "layer6", "layer7"}
    # per layer a half, less the drift exp(-2.5/64) of the geometric mean; scatter √(5/64/18/6) = 3 %
    assert xavier["forward"]["rate_per_layer"] == pytest.approx(0.5 * math.exp(-2.5 / 64), rel=0.1)


def test_every_measurement_stands_beside_its_prediction():
    (he,) = schemes("he", "--depth", "8", "--width", "200", "--seeds", "8").values()
    for layer in he["layers"]:
        for name in ("preact_variance", "activation_variance", "grad_variance"):
            low, high = layer[f"predicted_{name}_low"], layer[f"predicted_{name}_high"]
            # A mean of eight, in the band of one; at the output, where prediction starts, that is rounding wide.
            assert low * (1 - 1e-12) <= layer[name] <= high * (1 + 1e-12), (layer["name"], name)
            expected = layer[name] / layer[f"predicted_{name}"]
            assert layer[f"measured_over_predicted_{name}"] == pytest.approx(expected)


def test_verdicts_name_what_is_wrong():
    found = schemes(
        *("zeros", "constant[value=0.1]", "normal[std=0.01]", "normal[std=1.0]", "he"),
        *("--depth", "8", "--width", "32", "--seeds", "2"),
    )
    verdicts = {init: scheme["verdict"] for init, scheme in found.items()}
    assert verdicts == {
        "zeros": "dead",
        "constant[value=0.1]": "symmetric",
        "normal[std=0.01]": "vanishing",
        "normal[std=1.0]": "exploding",
        "he": "healthy",
    }
    assert found["zeros"]["forward"]["first_bad_layer"] == "layer1"
    assert found["constant[value=0.1]"]["layers"][1]["predicted_preact_variance"] is None
    assert found["constant[value=0.1]"]["chi1"] is None


def test_saturated_tanh_explodes_backward_alone():
    (scheme,) = schemes("normal[std=1.0]", "--activation", "tanh", "--depth", "12", "--width", "64").values()
    assert scheme["forward"]["verdict"] == "healthy"
    assert scheme["backward"]["verdict"] == scheme["verdict"] == "exploding"
    assert scheme["phase"] == "chaotic"
    assert 0 < scheme["depth_scale"] < 10


def test_a_residual_network_is_judged_without_chi1():
    (scheme,) = schemes("he", "--network", "resnet[depth=8,width=32]", "--seeds", "2").values()
    assert scheme["chi1"] is scheme["depth_scale"] is None
    assert scheme["layers"][-1]["predicted_preact_variance"] > 0


def test_small_branches_of_a_residual_network_are_no_fault():
    (scheme,) = schemes("normal[std=0.001]", "--network", "resnet[depth=8,width=32]", "--seeds", "2").values()
    assert scheme["layers"][1]["preact_variance"] < 1e-4 * scheme["layers"][0]["preact_variance"]
    assert scheme["verdict"] == "healthy"  # what skips the branches arrives


RESIDUAL = ("--network", "resnet[depth=8,width=32,multipliers=true]", "--seeds", "2")


@pytest.mark.parametrize("order", ["pre", "post"])
def test_branches_that_start_closed_are_no_death(order):
    network = f"resnet[depth=8,width=32,multipliers=true,order={order}]"
    found = schemes("fixup", "fixup[zero_output=false]", "rezero", "skipinit", "--network", network, "--seeds", "2")
    for scheme in found.values():
        assert (scheme["forward"]["verdict"], scheme["backward"]["verdict"]) == ("healthy", "healthy"), scheme["init"]
    assert [layer["preact_variance"] for layer in found["fixup"]["layers"][2:7:2]] == [0, 0, 0]  # closed they are
    assert [layer["grad_variance"] for layer in found["rezero"]["layers"][1:7]] == [0] * 6


@pytest.mark.parametrize(("stem", "verdict"), [(0.0, "dead"), (1.0, "healthy")])
def test_a_shortcut_without_gradient_is_dead_behind_closed_branches_too(stem, verdict):
    profile = pd.DataFrame(
        {
            "layer": [1, 2, 3],
            "name": ["stem", "block1.branch.layer1", "output"],
            "weight_std_mean": [0.1, 0.1, 0.1],
            "grad_variance_geomean": [stem, 0.0, 1.0],
        }
    )
    assert backward(profile, closed=(("block1.branch.layer1",),)).verdict == verdict
    assert backward(profile).first_bad_layer == "block1.branch.layer1"  # a branch that is open should have had some


def test_people_are_told_of_branches_that_start_closed():
    text = " ".join(run("rezero", "he", *RESIDUAL).stdout.split())
    assert "rezero: 3 residual branches start closed: until they learn, the shortcut alone carries the signal." in text
    assert "he: 3 residual" not in text


def test_unbounded_is_explained_to_be_no_praise():
    # He's weights times 1.1: each layer multiplies the variance by 1.21, far beyond the chance of 60 · 16² weights
    text = " ".join(run("he", f"normal[std={1.1 * math.sqrt(2 / 16)}]", "--depth", "8", "--width", "16").stdout.split())
    assert "Unbounded: with more layers the variance of the signal grows without end." in text
    assert "he: Unbounded" not in text


def test_zeros_are_dead_in_a_residual_network_too():
    (zeros,) = schemes("zeros", *RESIDUAL).values()
    assert (zeros["verdict"], zeros["forward"]["first_bad_layer"]) == ("dead", "stem")


def test_people_get_tables_and_a_sentence_for_each_scheme():
    result = run("he", "xavier", "--depth", "30", "--width", "32", "--seeds", "3")
    assert result.exit_code == 0, result.output
    assert all(len(line) <= 100 for line in result.stdout.splitlines())
    text = " ".join(result.stdout.split())
    assert text.startswith("mlp[depth=30,width=32], relu, synthetic[")
    assert "Geometric means over 3 seeds" in text
    assert "χ₁ = 1.00, critical: depth is no obstacle." in text
    assert "xavier: the signal vanishes by layer" in text


@pytest.mark.parametrize("width", [60, 80, 100])
def test_names_and_numbers_of_a_deep_network_are_whole_however_narrow_the_terminal(width):
    asked = ("he", "normal[std=0.01]", "--depth", "20", "--width", "16", "--seeds", "2", *DATA)
    text = CliRunner().invoke(app, ["probe", *asked], env={"COLUMNS": str(width)}).stdout
    assert max(map(len, text.splitlines())) <= width
    words = text.split()
    assert {"normal[std=0.01]", "layer1", "output", "χ₁", "activation", "gradient", "dead"} <= set(words)
    first = text[text.index("he, 12 of 20 layers; --json has all") :].splitlines()
    assert sum(line.startswith(("layer", "output")) for line in first[1:16]) == 13  # the heading, and twelve


def test_a_ratio_is_marked_outside_the_band_of_single_networks_and_missing_for_zero_over_zero():
    text = run("zeros", "normal[std=0.01]", "--depth", "60", "--width", "16", "--seeds", "2").stdout
    zeros, small = text.split("\nnormal[std=0.01], 12 of 60 layers")
    assert "layer1 " in zeros
    assert all(" – " in line for line in zeros.splitlines() if line.startswith("layer1 "))
    assert "*" not in zeros[zeros.index("zeros, 12 of") :]
    # in single precision the gradient underflows to 0 on its way to the first layer, where theory has 10⁻¹⁷⁰
    assert any("0.0*" in line for line in small.splitlines() if line.startswith("layer1 "))
    assert "* outside the band" in " ".join(small.split())


@pytest.mark.parametrize(
    "seeds", [["--seeds", "3"], ["--set", "seeds=3"], ["--set", "seeds.init=3", "--set", "seeds.data=2"]]
)
def test_the_number_of_seeds_is_that_of_the_draws_whichever_option_gave_it(seeds):
    asked = ("he", "--depth", "4", "--width", "8", *seeds)
    assert "Geometric means over 3 seeds" in " ".join(run(*asked).stdout.split())
    assert json.loads(run(*asked, "--json").stdout)["seeds"] == 3


def test_python_gets_the_same_diagnoses():
    overrides = ["network.depth=8", "network.width=32", "seeds=2", "batch_size=32", f"dataset={DATA[1]}"]
    he, zeros = initbench.probe("he", "zeros", overrides=overrides)
    assert (he.verdict, zeros.verdict) == ("healthy", "dead")
    assert len(he.profile) == 8
    told = schemes("he", "--depth", "8", "--width", "32", "--seeds", "2")["he"]
    assert told["layers"][3]["grad_variance"] == pytest.approx(he.profile["grad_variance_geomean"][3])


def test_a_config_lends_its_network(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "dataset: {name: synthetic, features: 6, classes: 3, samples: 120, test_samples: 30}\n"
        "network: {name: mlp, depth: 4, width: 8}\nactivation: tanh\ninit: he\nbatch_size: 20\nsteps: 1\n"
    )
    result = CliRunner().invoke(app, ["probe", "xavier", "--config", "mine.yaml", "--json"])
    assert result.exit_code == 0, result.output
    (scheme,) = json.loads(result.stdout)["schemes"]
    assert (scheme["init"], len(scheme["layers"])) == ("xavier", 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hee"], "did you mean he"),
        (["he", "--depth", "3,4"], "this experiment sweeps network.depth"),
        (["he", "--activation", "rel"], "did you mean relu"),
        (["fixup", "--depth", "4"], "residual branches"),
        (["critical[bias_variance=0.1]", "--depth", "4"], "needs activations with a critical point"),
    ],
)
def test_wrong_use_is_one_message(arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output
