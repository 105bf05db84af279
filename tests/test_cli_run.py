"""``initbench run``: end to end on a config of seconds."""

import json
import math
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from typer.testing import CliRunner

from initbench.analysis import analyze
from initbench.cli import app, guard
from initbench.config import shipped_configs
from initbench.records import FAILED, ResultsFolder, read
from initbench.train.loop import train

SMALL = """\
name: small
dataset: {name: synthetic, features: 6, classes: 3, samples: 120, test_samples: 30}
network: {name: mlp, depth: [2, 3], width: 8}
init: [he, zeros]
optimizer: {name: sgd, lr: 0.05, momentum: 0.9}
batch_size: 20
epochs: 2
seeds: 2
"""
TIMINGS = ["seconds", "init_seconds"]
WORKERS = ["--workers", "1"]


@pytest.fixture(autouse=True)
def config(tmp_path, monkeypatch):
    """A small config in a folder of its own, the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INITBENCH_DATA", raising=False)
    (tmp_path / "small.yaml").write_text(SMALL)


@pytest.fixture
def no_figures(monkeypatch):
    """Leave the figures out: drawing them takes longer than the training."""
    monkeypatch.setattr("initbench.report.figures.draw", lambda _comparison: {})


def test_the_smoke_config_leaves_tables_figures_and_a_report(tmp_path):
    result = _run("smoke", *WORKERS)
    assert result.exit_code == 0, result.output
    folder = tmp_path / "results" / "smoke"
    figures = ("train_loss", "test_accuracy", "activation_variance", "gradient_variance")
    drawn = {f"figures/{figure}.{kind}" for figure in figures for kind in ("png", "svg")}
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert drawn | {"summary.csv", "layers.csv", "report.md", "experiment.yaml", "provenance.json"} <= written
    assert list(pd.read_csv(folder / "summary.csv")["init"]) == ["he", "xavier", "normal[std=0.01]"]
    assert read(folder).provenance["versions"]["initbench"] == version("initbench")
    for shown in ("he", "xavier", "normal[std=0.01]", "7/7", "converged", "Activation variance", "report.md"):
        assert shown in result.stdout
    assert "21/21 trials" in result.stderr
    steps = pd.read_csv(folder / "summary.csv").set_index("init")[["steps_to_target_max", "steps"]].loc["he"]
    assert steps["steps_to_target_max"] <= 0.75 * steps["steps"]  # every seed, well before the end


@pytest.mark.usefixtures("no_figures")
def test_a_second_run_trains_nothing_and_changes_no_bit():
    _run("small.yaml", *WORKERS)
    first = read("results/small").records
    again = _run("small.yaml", *WORKERS)
    assert "8 trials, 8 already done" in again.stderr
    assert again.exit_code == 0
    _assert_same(read("results/small").records, first, timings=True)


@pytest.mark.usefixtures("no_figures")
def test_training_anew_and_on_more_workers_repeats_every_bit_but_the_timings():
    _run("small.yaml", *WORKERS)
    first = read("results/small").records
    anew = _run("small.yaml", "--fresh", "--workers", "2")
    assert anew.exit_code == 0, anew.output
    assert "already done" not in anew.stderr
    records = read("results/small").records
    assert not records.outcomes["seconds"].equals(first.outcomes["seconds"])  # it did train
    _assert_same(records, first, timings=False)


@pytest.mark.usefixtures("no_figures")
def test_more_seeds_train_the_new_trials_alone():
    _run("small.yaml", "--set", "seeds=1", *WORKERS)
    result = _run("small.yaml", *WORKERS)
    assert "8 trials, 4 already done" in result.stderr
    assert len(read("results/small").records.outcomes) == 8


@pytest.mark.usefixtures("no_figures")
def test_a_dry_run_lists_the_trials_by_setting_and_trains_nothing(tmp_path):
    first = _run("small.yaml", "--dry-run")
    assert first.exit_code == 0
    assert not (tmp_path / "results").exists()
    assert [line.split() for line in first.stdout.splitlines()[2:6]] == [
        ["2", "he", "2", "0"],
        ["2", "zeros", "2", "0"],
        ["3", "he", "2", "0"],
        ["3", "zeros", "2", "0"],
    ]
    assert "8 to train" in first.stdout
    _run("small.yaml", "--set", "network.depth=3", *WORKERS)
    plan = json.loads(_run("small.yaml", "--dry-run", "--json").stdout)
    assert [row["done"] for row in plan["schemes"]] == [0, 0, 2, 2]
    assert (plan["trials"], plan["missing"]) == (8, 4)
    assert "nothing to train" in _run("small.yaml", "--set", "network.depth=3", "--dry-run").stdout
    assert "4 to train" in _run("small.yaml", "--set", "network.depth=3", "--dry-run", "--fresh").stdout


def test_a_large_plan_is_cut_to_a_screen():
    result = _run("small.yaml", "--dry-run", "--set", f"batch_size={','.join(map(str, range(1, 51)))}")
    assert "and 140 more rows" in result.stdout
    assert len(result.stdout.splitlines()) < 80


@pytest.mark.usefixtures("no_figures")
def test_json_is_one_object_on_stdout_with_a_row_for_each_scheme():
    result = _run("small.yaml", "--json", *WORKERS)
    told = json.loads(result.stdout)
    assert set(told) == {"results", "schemes", "reference", "contrasts", "sentence", "claims"}
    keys = ["init", "network.depth", "trials", "reached", "steps_to_target", "final_train_loss", "final_test_accuracy"]
    assert [list(row)[: len(keys) + 1] for row in told["schemes"]] == [[*keys, "state"]] * 4
    assert [(row["init"], row["network.depth"]) for row in told["schemes"]] == [
        ("he", 2),
        ("zeros", 2),
        ("he", 3),
        ("zeros", 3),
    ]
    zeros = [row for row in told["schemes"] if row["init"] == "zeros"]
    assert all(row["reached"] == 0 and row["steps_to_target"] is None for row in zeros)
    # zero weights give every class the same probability until the output bias has moved a little
    assert all(row["final_train_loss"] == pytest.approx(math.log(3), abs=0.05) for row in zeros)


@pytest.mark.usefixtures("no_figures")
def test_a_network_without_a_depth_may_stand_in_a_sweep_of_depths(no_figures):
    networks = "{name: mlp, hidden: [8, 6]}, {name: mlp, depth: 3, width: 8}"
    Path("mixed.yaml").write_text(SMALL.replace("{name: mlp, depth: [2, 3], width: 8}", f"[{networks}]"))
    shown = CliRunner().invoke(app, ["run", "mixed.yaml", "--quiet", *WORKERS])
    assert shown.exit_code == 0, shown.output


def test_an_assumption_that_the_network_does_not_meet_is_told_once():
    words = "Note: lecun assumes the activation selu or linear, found relu."
    shown = CliRunner().invoke(app, ["run", "small.yaml", "--set", "init=he,lecun", "--dry-run"])
    assert shown.stderr.count(words) == 1
    assert "he assumes" not in shown.stderr
    fitting = CliRunner().invoke(
        app, ["run", "small.yaml", "--set", "init=lecun", "--set", "activation=selu", "--dry-run"]
    )
    assert "Note:" not in fitting.stderr


def test_quiet_prints_the_verdict_alone():
    result = _run("small.yaml", "--quiet", *WORKERS)
    assert result.stderr == ""
    assert result.stdout == f"{analyze(read('results/small')).sentence}\n"


def test_a_trial_that_fails_is_a_row_and_exit_code_3(monkeypatch):
    def failing(trials, *rest):
        if trials[0].network.depth == 2:
            raise RuntimeError("no luck")
        return train(trials, *rest)

    monkeypatch.setattr("initbench.execute.worker.train", failing)
    result = _run("small.yaml", *WORKERS)
    assert result.exit_code == guard.NOT_MEASURED
    outcomes = read("results/small").records.outcomes
    assert list(outcomes["status"] == FAILED) == [True] * 4 + [False] * 4
    assert "RuntimeError: no luck" in result.stdout
    assert result.stderr.endswith("Error: 4 trials failed; the tracebacks are in results/small/failures\n")
    assert "no luck" in next(Path("results/small/failures").iterdir()).read_text()
    monkeypatch.setattr("initbench.execute.worker.train", train)
    again = _run("small.yaml", *WORKERS)
    assert again.exit_code == 0
    assert "8 trials, 4 already done" in again.stderr


def test_failing_fast_stops_at_the_first_failure(monkeypatch):
    def failing(*_):
        raise RuntimeError("no luck")

    monkeypatch.setattr("initbench.execute.worker.train", failing)
    result = _run("small.yaml", "--fail-fast", *WORKERS)
    assert result.exit_code == guard.NOT_MEASURED
    assert len(read("results/small").records.outcomes) == 4  # the first of two stacks


def test_a_report_is_drawn_again_from_the_records(tmp_path):
    _run("small.yaml", *WORKERS)
    folder = tmp_path / "results" / "small"
    before = (folder / "summary.csv").read_bytes()
    (folder / "summary.csv").unlink()
    (folder / "figures" / "train_loss.svg").unlink()
    for name in ("results/small", "small"):
        result = CliRunner().invoke(app, ["report", name, "--json"])
        assert result.exit_code == 0, result.output
        assert len(json.loads(result.stdout)["schemes"]) == 4
    assert (folder / "summary.csv").read_bytes() == before
    assert (folder / "figures" / "train_loss.svg").is_file()


@pytest.mark.parametrize("name", shipped_configs())
def test_every_shipped_config_can_be_previewed(name, tmp_path):
    result = _run(name, "--dry-run", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["missing"] >= 9
    assert list(tmp_path.iterdir()) == [tmp_path / "small.yaml"]


@pytest.mark.usefixtures("no_figures")
def test_what_cannot_be_removed_is_told_before_anything_is_trained(monkeypatch):
    _run("small.yaml", *WORKERS)

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    result = _run("small.yaml", "--fresh", *WORKERS)
    assert result.exit_code == guard.WRONG_USAGE
    assert "Error: cannot remove" in result.stderr
    assert len(ResultsFolder(read("results/small").path).finished()) == 8


def _run(*arguments):
    return CliRunner().invoke(app, ["run", *arguments], env={"COLUMNS": "120"})


def _assert_same(found, expected, *, timings):
    drop = [] if timings else TIMINGS
    assert_frame_equal(found.outcomes.drop(columns=drop), expected.outcomes.drop(columns=drop), check_exact=True)
    assert_frame_equal(found.curves, expected.curves, check_exact=True)
    assert_frame_equal(found.layers, expected.layers, check_exact=True)
