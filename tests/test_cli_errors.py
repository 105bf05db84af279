"""A user's mistake is one message on stderr and exit code 2, never a traceback."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from initbench.cli import app, guard

DATASET = "{name: synthetic, features: 4, classes: 2, samples: 40, test_samples: 20}"
SOUND = f"""\
dataset: {DATASET}
network: {{name: mlp, depth: 2, width: 4}}
init: [he, xavier]
batch_size: 10
epochs: 1
seeds: 1
"""

ARRAYS = ("x_train", "y_train", "x_test", "y_test")

IN_CONFIGS = {
    "an unknown key": (SOUND + "netwerk: mlp\n", "bad.yaml:7: netwerk: unknown key; did you mean network?"),
    "a wrong type": (SOUND.replace("batch_size: 10", "batch_size: ten"), "found 'ten', expected an integer >= 1"),
    "text for a number": (SOUND.replace("epochs: 1", "epochs: '1'"), "found '1', expected an integer >= 1"),
    "a negative depth": (SOUND.replace("depth: 2", "depth: -2"), "bad.yaml:2: network.depth: found -2"),
    "an empty list": (SOUND.replace("[he, xavier]", "[]"), "init: found an empty list"),
    "an unknown scheme": (SOUND.replace("xavier", "xaver"), "did you mean xavier"),
    "an unknown option": (SOUND.replace("depth: 2", "dept: 2"), "network.dept: unknown option; did you mean depth?"),
    "a missing option": (SOUND.replace("xavier", "normal"), "std: found nothing, expected a number > 0"),
    "no schemes": (SOUND.replace("init: [he, xavier]\n", ""), "init: found nothing, expected the schemes to compare"),
    "broken YAML": (SOUND + "name: [\n", "bad.yaml"),
    "a key given twice": (SOUND + "seeds: 2\n", "seeds"),
    "no mapping": ("just words\n", "bad.yaml"),
    "an empty file": ("", "bad.yaml"),
    "zero seeds": (SOUND.replace("seeds: 1", "seeds: 0"), "bad.yaml:6: seeds: found 0"),
    "epochs and steps": (SOUND + "steps: 3\n", "steps: found steps beside epochs"),
    "a batch larger than the data": (SOUND.replace("batch_size: 10", "batch_size: 1000"), "batch_size"),
    "an unknown metric": (SOUND + "target: {metric: speed, value: 1.0}\n", "target.metric: found 'speed'"),
    "an accuracy above one": (SOUND + "target: {metric: test_accuracy, value: 90.0}\n", "target.value"),
    "accuracy of a regression": (
        SOUND.replace(DATASET, "arrays[path=values.npz]") + "target: {metric: test_accuracy, value: 0.9}\n",
        "bad.yaml:7: target.metric",
    ),
    "a scheme given twice": (SOUND.replace("xavier", "he"), "found he twice"),
    "a name that leaves the results folder": (SOUND + "name: ../elsewhere\n", "bad.yaml:7: name"),
    "a network that the data does not fit": (SOUND.replace("mlp, depth: 2, width: 4", "cnn"), "network"),
    "data of one's own that is not there": (
        SOUND.replace(DATASET, "arrays[path=no.npz]"),
        "no.npz",
    ),
}  # fmt: skip

TINY = ["--dataset", "synthetic[features=4,classes=2,samples=40,test_samples=20]", "--set", "batch_size=10"]

ON_THE_COMMAND_LINE = {
    "a missing file": (["run", "missing/file.yaml"], "missing/file.yaml: no such file"),
    "a misspelled shipped config": (["run", "deep_rely"], "did you mean deep_relu"),
    "a directory": (["run", "."], "is a directory, expected a YAML file"),
    "an override without a value": (["run", "smoke", "--set", "seeds"], "expected key=value"),
    "an override of no key": (["run", "smoke", "--set", "seedz=2"], "did you mean seeds?"),
    "an override that is wrong": (["run", "smoke", "--set", "network.depth=0"], "--set network.depth=0: network.depth"),
    "results in a file": (["run", "smoke", "--out", "taken/results"], "cannot write results to taken"),
    "no workers": (["run", "smoke", "--workers", "0"], "--workers"),
    "an unknown option of a command": (["run", "smoke", "--worker", "1"], "--worker"),
    "an unknown command": (["ruin", "smoke"], "run"),
    "no scheme": (["compare"], "SCHEME"),
    "an unknown scheme to compare": (["compare", "hee"], "did you mean he?"),
    "a scheme twice": (["compare", "he", "he"], "Error: he is given twice; once is enough"),
    "a scheme and its alias": (
        ["compare", "he", "kaiming"],
        "Error: kaiming is another name of he, which is given already",
    ),
    "an alias and its scheme": (["compare", "kaiming", "he"], "Error: he is given already, as kaiming"),
    "a scheme that the network does not suit": (
        ["compare", "fixup", "xavier", *TINY],
        "Error: fixup needs residual branches",
    ),
    "schemes in two places": (
        ["compare", "he", "xavier", "--set", "init=lecun"],
        "--set init=lecun: the command has its schemes already; leave this out",
    ),
    "schemes for a command that takes all": (["recommend", "--set", "init=lecun"], "--set init=lecun: the command"),
    "an override of no key, nested": (["compare", "he", "--set", "foo.bar=3"], "Error: --set foo.bar=3: foo: unknown"),
    "a depth in two places": (["compare", "he", "--network", "mlp[depth=3]", "--depth", "4"], "both set depth"),
    "a rate in two places": (["compare", "he", "--optimizer", "sgd[lr=0.1]", "--lr", "1"], "both set lr"),
    "a width for a network without": (["compare", "he", "--network", "cnn", "--width", "8"], "--width 8: network"),
    "a depth that is no number": (["compare", "he", "--depth", "deep"], "--depth deep: network.depth: found 'deep'"),
    "depth for a network by its layers": (["compare", "he", "--network", "mlp[hidden=[8]]", "--depth", "3"], "depth"),
    "a report of nothing": (["report", "nowhere"], f"there is no folder nowhere and no {Path('results/nowhere')}"),
    "an export of nothing": (["export", "nowhere", "--to", "csv"], "there is no folder nowhere and no"),
    "a merger of nothing": (["merge", "nowhere"], "there is no folder nowhere and no"),
    "a report of a folder by half its name": (["report", "deep_rely"], "did you mean deep_relu?"),
    "a report of a file": (["report", "taken"], "taken is a file, expected a results folder"),
    "a diagram in a file": (
        ["theory", "--activation", "relu", "--map", "--out", "taken"],
        "--out taken: is a file, expected a folder",
    ),
    "results in no folder": (["run", "smoke", "--out", ""], "found nothing, expected a folder"),
    "a check kept in no folder": (["check", "smoke", "--keep", " "], "found nothing, expected a folder"),
    "a shard beyond the last": (["run", "smoke", "--shard", "4/3"], "'4/3', expected a part from 1/3 to 3/3"),
    "a report of another folder": (["report", "."], "is not a results folder"),
    "a list of nothing": (["list", "init"], "did you mean inits?"),
    "an unknown component": (["show", "xaver"], "did you mean xavier"),
    "a new file in place of one": (["new", "taken"], "taken is there already; --force overwrites it"),
    "a new file under a file": (["new", "taken/my.yaml"], "cannot write taken/my.yaml"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INITBENCH_DATA", raising=False)
    monkeypatch.delenv("INITBENCH_DEBUG", raising=False)
    (tmp_path / "taken").write_text("a file")
    (tmp_path / "deep_relu").mkdir()
    np.savez(tmp_path / "values.npz", **{name: np.zeros((40, 1), np.float32) for name in ARRAYS})


@pytest.mark.parametrize("kind", IN_CONFIGS)
def test_a_config_that_cannot_be_used_is_told_with_its_place(kind, tmp_path):
    text, expected = IN_CONFIGS[kind]
    (tmp_path / "bad.yaml").write_text(text)
    _assert_refused(["run", "bad.yaml"], expected)
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("kind", ON_THE_COMMAND_LINE)
def test_a_command_that_cannot_be_carried_out_is_told(kind, tmp_path):
    command, expected = ON_THE_COMMAND_LINE[kind]
    _assert_refused(command, expected)
    assert not (tmp_path / "results").exists()


def test_several_problems_are_told_at_once(tmp_path):
    (tmp_path / "bad.yaml").write_text(SOUND.replace("xavier", "xaver").replace("depth: 2", "depth: 0") + "sed: 1\n")
    result = CliRunner().invoke(app, ["run", "bad.yaml"])
    assert result.exit_code == guard.WRONG_USAGE
    assert result.stderr.startswith("Error: 3 problems\n  bad.yaml:2: network.depth")
    assert len(result.stderr.splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "variable"),
    [(["--debug", "show", "xaver"], "0"), (["show", "xaver"], "1")],
    ids=["by an option", "by the environment"],
)
def test_debugging_lets_an_error_through_with_its_traceback(arguments, variable, monkeypatch):
    monkeypatch.setenv("INITBENCH_DEBUG", variable)
    result = CliRunner().invoke(app, arguments)
    assert type(result.exception).__name__ == "InitbenchError"
    assert "did you mean xavier" in str(result.exception)


def test_a_bug_is_called_one_and_is_no_regression(capsys):
    def broken():
        raise ZeroDivisionError("a bug")

    with pytest.raises(SystemExit) as ended:
        guard.ending(broken)
    assert ended.value.code == guard.NOT_MEASURED
    told = capsys.readouterr().err
    assert "ZeroDivisionError: a bug" in told
    assert told.endswith("This is a bug in initbench. Please report it, with what `initbench info` prints.\n")


def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m initbench list | head -n 1"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)  # noqa: S602 - a pipe
    assert ended.stderr == ""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_keeps_what_finished_and_says_how_to_go_on(tmp_path):
    (tmp_path / "long.yaml").write_text(SOUND.replace("epochs: 1", "steps: 1000000").replace("seeds: 1", "seeds: 40"))
    command = [sys.executable, "-m", "initbench", "run", "long.yaml", "--workers", "2"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=tmp_path
    ) as process:
        _wait_for(tmp_path / "results" / "long" / "manifest.json")
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers as well
        out, err = process.communicate(timeout=60)
    assert process.returncode == guard.INTERRUPTED
    assert "Traceback" not in out + err
    assert err.splitlines()[-1] == (
        f"Interrupted. Finished trials are kept in {Path('results/long')}; the same command goes on from there."
    )


def _assert_refused(command, expected):
    result = CliRunner().invoke(app, command, env={"COLUMNS": "200"})
    assert result.exit_code == guard.WRONG_USAGE, result.output
    assert isinstance(result.exception, SystemExit)
    assert expected in result.stderr
    assert "Traceback" not in result.output
    assert result.stderr.count("Error") == 1


def _wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert path.exists()
