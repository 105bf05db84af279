"""``initbench compare``: schemes side by side without a config."""

import json

import pytest
from typer.testing import CliRunner

from initbench.cli import app, guard
from initbench.inits.he import He
from initbench.records import FAILED, read

SMALL = ["--dataset", "synthetic[features=6,classes=3,samples=120,test_samples=30]", "--depth", "3", "--width", "8"]
SHORT = ["--epochs", "1", "--seeds", "2", "--set", "batch_size=20", "--workers", "1"]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr("initbench.report.figures.draw", lambda _comparison: {})  # slower than the training
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INITBENCH_DATA", raising=False)


def test_the_default_experiment_is_a_deep_relu_network_on_mnist():
    result = _compare("he", "xavier", "--dry-run", "--json")
    plan = json.loads(result.stdout)
    assert plan["schemes"] == [{"init": "he", "trials": 6, "done": 0}, {"init": "xavier", "trials": 6, "done": 0}]
    assert plan["results"].endswith("compare")


@pytest.mark.parametrize(("schemes", "seeds"), [(2, 6), (3, 7), (4, 7), (5, 8)])
def test_there_are_seeds_enough_to_decide_between_the_schemes(schemes, seeds):
    names = ["he", "xavier", "lecun", "orthogonal", "torch_default"][:schemes]
    plan = json.loads(_compare(*names, "--dry-run", "--json").stdout)
    assert [row["trials"] for row in plan["schemes"]] == [seeds] * schemes


def test_the_reference_is_held_against_the_others():
    told = json.loads(_compare("he", "xavier", "lecun", *SMALL, *SHORT, "--reference", "lecun", "--json").stdout)
    assert told["reference"] == "lecun"
    assert {row["init"] for row in told["contrasts"]} == {"he", "xavier"}


def test_a_reference_that_is_not_compared_is_refused_before_anything_runs(tmp_path):
    result = _compare("he", "xavier", *SMALL, *SHORT, "--reference", "lecun")
    assert result.exit_code == 2
    assert "found the reference lecun, expected one of the schemes he and xavier" in result.stderr
    assert not (tmp_path / "results").exists()


def test_the_best_learning_rates_are_found_and_compared():
    told = json.loads(_compare("he", "xavier", *SMALL, *SHORT, "--lr", "auto", "--json").stdout)
    assert told["claims"][0].startswith("Each at its own best learning rate (he ")
    assert len({row["optimizer.lr"] for row in told["schemes"]}) >= 5


@pytest.mark.parametrize("search", [("--lr", "auto"), ("--max-depth",)])
def test_failing_fast_ends_a_search(search, monkeypatch):
    def no_luck(*_):
        raise RuntimeError("no luck")

    monkeypatch.setattr(He, "weight", no_luck)
    result = _compare("he", "xavier", *SMALL, *SHORT, *search, "--fail-fast")
    assert result.exit_code == guard.NOT_MEASURED, result.exception
    assert "RuntimeError: no luck" in result.stdout
    assert result.stderr.endswith("Error: 2 trials failed; the tracebacks are in results/compare/failures\n")
    outcomes = read("results/compare").records.outcomes
    assert (outcomes["status"] == FAILED).sum() == 2  # of one stack, the first
    assert set(outcomes["init"]) <= {"he", "xavier"}
    assert outcomes["network.depth"].unique().tolist() == [3]


def test_the_greatest_depths_are_found():
    options = [*SMALL, "--epochs", "1", "--set", "batch_size=20", "--workers", "1", "--set", "target.value=0.01"]
    told = json.loads(_compare("he", "zeros", *options, "--max-depth", "--json").stdout)
    said = "Greatest depth trained to train loss 0.01: he none (not even 2); zeros none (not even 2)."
    assert told["claims"][0] == said
    assert [row["network.depth"] for row in told["schemes"]] == [2, 2, 3, 3]


def test_every_round_of_a_search_says_what_it_tries_and_why():
    options = [*SMALL, "--epochs", "1", "--set", "batch_size=20", "--workers", "1", "--set", "target.value=0.01"]
    told = _compare("he", "zeros", *options, "--max-depth").stderr
    assert [line for line in told.splitlines() if line.startswith("Round")] == [
        "Round 1: depth 3 for he (where the search starts) and zeros (where the search starts).",
        "Round 2: depth 2 for he (does not train 3) and zeros (does not train 3).",
    ]
    rates = [line for line in _compare("he", *SMALL, *SHORT, "--lr", "auto").stderr.splitlines() if "Round" in line]
    assert rates[0] == ("Round 1: learning rates 0.001, 0.003, 0.01, 0.03 and 0.1 on 2 seeds that choose the best.")
    assert rates[1].startswith("Round 2: also 0.3 on 2 seeds that choose the best, since a scheme may do ")
    assert rates[-1].endswith(", the rates that were best for one of them.")
    assert "Round" not in _compare("he", *SMALL, *SHORT, "--lr", "auto", "--quiet").stderr


@pytest.mark.parametrize("search", [("--lr", "auto"), ("--max-depth",)])
def test_a_dry_run_of_a_search_promises_its_first_round_alone(search):
    shown = _compare("he", *SMALL, *SHORT, *search, "--dry-run").stdout
    assert "This is the first round of a search alone: " in shown
    assert "Its results decide how many more follow." in shown
    assert json.loads(_compare("he", *SMALL, *SHORT, *search, "--dry-run", "--json").stdout)["first_round_of_search"]
    single = _compare("he", *SMALL, *SHORT, "--dry-run").stdout
    assert "first round" not in single


def test_schemes_and_options_reach_the_experiment_and_json_tells_the_outcome(tmp_path):
    options = ["--activation", "tanh", "--optimizer", "adam", "--lr", "0.02"]
    result = _compare("he", "normal[std=0.01,0.1]", *SMALL, *SHORT, *options, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert [row["init"] for row in told["schemes"]] == ["he", "normal[std=0.01]", "normal[std=0.1]"]
    assert all(row["trials"] == 2 for row in told["schemes"])
    outcomes = read(tmp_path / "results" / "compare").records.outcomes
    assert set(outcomes["network"]) == {"mlp[depth=3,width=8]"}
    assert set(outcomes["activation"]) == {"tanh"}
    assert set(outcomes["optimizer"]) == {"adam[lr=0.02]"}
    assert set(outcomes["epochs"]) == {1}
    assert sorted(set(outcomes["seed"])) == [0, 1]


def test_a_report_of_another_experiment_is_not_replaced_without_a_word(monkeypatch):
    monkeypatch.setattr("sys.argv", ["initbench", "compare", "he", "xavier"])
    assert "held another" not in _compare("he", "xavier", *SMALL, *SHORT).stderr
    assert "held another" not in _compare("he", "xavier", "lecun", *SMALL, *SHORT).stderr  # shows all that was shown
    replacing = _compare("he", "lecun", *SMALL, *SHORT).stderr
    note = (
        "Note: results/compare held another experiment (initbench compare he xavier); its report is replaced, its "
        "records are kept."
    )
    assert note in replacing
    assert "held another" not in _compare("he", "xavier", *SMALL, *SHORT, "--quiet").stderr


@pytest.mark.parametrize("search", ["--lr=auto", "--max-depth"])
def test_a_search_that_goes_on_replaces_no_report_of_another_experiment(search, monkeypatch):
    monkeypatch.setattr("sys.argv", ["initbench", "compare", "he", "xavier", search])
    options = [*SMALL, *SHORT, search, "--set", "target.value=0.01"]
    assert _compare("he", "xavier", *options).exit_code == 0
    again = _compare("he", "xavier", *options)
    assert (again.exit_code, "held another" in again.stderr) == (0, False)
    assert "held another" in _compare("he", "xavier", *SMALL, *SHORT, "--width", "9").stderr


def test_another_scheme_reuses_the_trials_of_the_ones_before():
    _compare("he", "xavier", *SMALL, *SHORT)
    result = _compare("he", "lecun", *SMALL, *SHORT)
    assert "4 trials, 2 already done" in result.stderr
    back = _compare("xavier", "lecun", *SMALL, *SHORT, "--dry-run")
    assert "nothing to train" in back.stdout


def test_a_list_is_an_axis():
    plan = json.loads(_compare("he", "--depth", "2,3", "--seeds", "3", "--dry-run", "--json").stdout)
    assert [(row["network.depth"], row["trials"]) for row in plan["schemes"]] == [("2", 3), ("3", 3)]


def test_another_config_lends_its_network_and_recipe_but_not_its_schemes(tmp_path):
    result = _compare("lecun", "--config", "smoke", "--depth", "3", "--seeds", "1", "--epochs", "1", "--workers", "1")
    assert result.exit_code == 0, result.output
    outcomes = read(tmp_path / "results" / "compare").records.outcomes
    assert list(outcomes["init"]) == ["lecun"]
    assert list(outcomes["network"]) == ["mlp[depth=3,width=32]"]
    assert list(outcomes["batch_size"]) == [50]


def _compare(*arguments):
    return CliRunner().invoke(app, ["compare", *arguments], env={"COLUMNS": "120"})
