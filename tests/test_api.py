"""The Python API: what a notebook imports."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import initbench

SMALL = """\
dataset: {name: synthetic, features: 6, classes: 3, samples: 120, test_samples: 30}
network: {name: mlp, depth: 2, width: 8}
init: [he, zeros]
batch_size: 20
epochs: 1
seeds: 2
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INITBENCH_DATA", raising=False)
    monkeypatch.setattr("initbench.report.figures.draw", lambda _comparison: {})  # slower than the training
    (tmp_path / "small.yaml").write_text(SMALL)


def test_a_run_returns_frames_and_the_verdict_and_leaves_a_folder():
    comparison = initbench.run("small.yaml")
    assert list(comparison.schemes["init"]) == ["he", "zeros"]
    assert list(comparison.schemes["trials"]) == [2, 2]
    for frame in (comparison.trials, comparison.profiles, comparison.results.records.curves):
        assert isinstance(frame, pd.DataFrame)
        assert len(frame)
    assert comparison.sentence
    assert repr(comparison) == f"<Comparison small: {comparison.sentence}>"
    assert comparison.results.path == Path("results/small")
    assert Path("results/small/report.md").is_file()


def test_reading_a_folder_gives_what_the_run_gave():
    ran = initbench.run("small.yaml", out="here")
    found = initbench.read("here")
    assert_frame_equal(found.schemes, ran.schemes)
    assert_frame_equal(found.results.records.layers, ran.results.records.layers)
    assert found.sentence == ran.sentence


def test_a_second_run_reuses_the_records_and_a_fresh_one_trains_anew():
    first = initbench.run("small.yaml")
    again = initbench.run("small.yaml")
    assert_frame_equal(again.results.records.outcomes, first.results.records.outcomes)
    anew = initbench.run("small.yaml", fresh=True)
    assert not anew.results.records.outcomes["seconds"].equals(first.results.records.outcomes["seconds"])
    assert_frame_equal(anew.results.records.curves, first.results.records.curves, check_exact=True)


def test_a_loaded_experiment_can_be_changed_and_run():
    experiment = initbench.load("small.yaml", ["seeds=1", "init=lecun"])
    comparison = initbench.run(experiment)
    assert isinstance(experiment, initbench.Experiment)
    assert list(comparison.trials["init"]) == ["lecun"]


def test_comparing_schemes_takes_overrides_and_another_config():
    changes = ["network.depth=2", "network.width=8", "dataset=synthetic", "steps=3", "seeds=1"]
    assert list(initbench.compare("he", "normal[std=0.1]", overrides=changes).trials["init"]) == [
        "he",
        "normal[std=0.1]",
    ]
    other = initbench.compare("xavier", config="small.yaml", out="other")
    assert list(other.trials["init"]) == ["xavier", "xavier"]
    assert set(other.trials["batch_size"]) == {20}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: initbench.load("smok"), "did you mean smoke"),
        (lambda: initbench.compare("hee"), "did you mean he?"),
        (lambda: initbench.read("nowhere"), "there is no folder nowhere"),
        (lambda: initbench.run("small.yaml", out="small.yaml/x"), "cannot write results to small.yaml/x"),
    ],
    ids=["a config", "a scheme", "a folder to read", "a folder to write"],
)
def test_what_a_user_can_put_right_is_one_kind_of_error(call, message):
    with pytest.raises(initbench.InitbenchError) as raised:
        call()
    assert message in str(raised.value)


def test_the_package_offers_what_it_lists_and_nothing_else():
    assert dir(initbench) == sorted(initbench.__all__)
    assert all(getattr(initbench, name) is not None for name in initbench.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        initbench.nothing  # noqa: B018 - the access is the test


@pytest.mark.slow
def test_a_plain_script_without_a_main_guard_runs():
    script = "import initbench\nprint(len(initbench.run('small.yaml').trials))"
    Path("script.py").write_text(script)
    ended = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, check=True)
    assert ended.stdout == "4\n"
