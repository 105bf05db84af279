"""``initbench baseline`` and ``initbench check``: end to end on a config of a second, down to the exit code."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import initbench
from initbench.cli import app
from initbench.execute.local import DIED, Local
from initbench.gate import read_baseline
from initbench.inits.he import He
from initbench.records import RecordsError
from initbench.train.loop import train

SMALL = """\
name: small
dataset: {name: synthetic, features: 6, classes: 3, samples: 120, test_samples: 60}
network: {name: mlp, depth: 3, width: 8}
init: [he, xavier]
optimizer: {name: sgd, lr: 0.05, momentum: 0.9}
batch_size: 20
steps: 12
log_every: 2
probe: [0]
seeds: 4
target: {value: 1.2}
"""


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """A small config in a folder of its own, the working directory, and no CI around it."""
    monkeypatch.chdir(tmp_path)
    for name in ("INITBENCH_DATA", "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    Path("small.yaml").write_text(SMALL)


def run(*arguments):
    return CliRunner().invoke(app, [*arguments, "--quiet", "--workers", "1"])


def check(*arguments):
    return run("check", "small.yaml", *arguments)


@pytest.fixture
def baseline(place):
    """The baseline of the small config."""
    result = run("baseline", "small.yaml", "-o", "small.json")
    assert result.exit_code == 0, result.output
    return Path("small.json")


def test_the_same_code_gives_the_same_bits(baseline):
    result = check("--baseline", "small.json")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "No regression in 16 comparisons over 4 seeds."
    assert "~" not in result.stdout.replace("~ inconclusive", "")


def test_a_check_trains_afresh_and_leaves_nothing_behind(baseline):
    before = sorted(Path().iterdir())
    assert check("--baseline", "small.json").exit_code == 0
    assert sorted(Path().iterdir()) == before


def test_a_kept_run_has_its_records_and_its_report(baseline, monkeypatch):
    monkeypatch.setattr("initbench.report.figures.draw", lambda _comparison: {})
    assert check("--baseline", "small.json", "--keep", "kept").exit_code == 0
    assert len(initbench.read("kept").trials) == 8
    assert Path("kept/report.md").exists()


def test_a_scale_that_is_wrong_fails_with_the_layer_and_every_output(baseline, monkeypatch, tmp_path):
    weight = He.weight
    monkeypatch.setattr(He, "weight", lambda self, site, rng: 0.5 * weight(self, site, rng))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    files = ["--junit", "junit.xml", "--markdown", "check.md", "--json"]
    result = check("--baseline", "small.json", *files)
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert {found["kind"] for found in told["findings"] if found["fails"]} >= {"signal"}
    assert "he: pre-activation variance at step 0 left its range in 3 of 3 layers, layer1 first" in told["sentence"]
    assert all(found["scheme"] == "he" for found in told["findings"] if found["fails"])
    assert "::error title=he%3A signal%3A pre-activation variance,file=small.yaml::" in result.stderr
    assert Path("summary.md").read_text() == Path("check.md").read_text()
    assert b"<failure" in Path("junit.xml").read_bytes()


@pytest.mark.parametrize(
    ("command", "option"),
    [("check", "--junit"), ("check", "--markdown"), ("check", "--baseline"), ("baseline", "-o")],
)
@pytest.mark.parametrize(("file", "why"), [("small.json/x", "Not a directory"), (".", "Is a directory")])
def test_a_file_that_cannot_be_written_is_told_before_anything_is_trained(
    command, option, file, why, baseline, monkeypatch
):
    trained = []
    monkeypatch.setattr("initbench.execute.worker.train", lambda *arguments: trained.append(arguments))
    held = {"check": {"--baseline": "small.json"}, "baseline": {}}[command] | {option: file}
    update = ["--update"] if option == "--baseline" else []
    result = run(command, "small.yaml", *update, *(word for pair in held.items() for word in pair))
    assert (result.exit_code, trained) == (2, [])
    assert f"cannot write {file}: {why}" in result.stderr
    assert "Traceback" not in result.output


def halved(monkeypatch):
    """A scale that is wrong, which a check finds."""
    weight = He.weight
    monkeypatch.setattr(He, "weight", lambda self, site, rng: 0.5 * weight(self, site, rng))


def test_a_summary_that_cannot_be_written_leaves_the_verdict_alone(baseline, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "nowhere/summary.md")
    note = "Note: cannot write GITHUB_STEP_SUMMARY, nowhere/summary.md: No such file or directory."
    unchanged = check("--baseline", "small.json", "--junit", "junit.xml")
    assert (unchanged.exit_code, note in unchanged.stderr, Path("junit.xml").exists()) == (0, True, True)
    halved(monkeypatch)
    worse = check("--baseline", "small.json")
    assert (worse.exit_code, note in worse.stderr) == (1, True)


def test_a_file_that_fails_in_the_end_leaves_the_verdict_and_the_baseline_alone(baseline, monkeypatch):
    def full(path, _content):
        raise RecordsError(f"cannot write {path}: No space left on device; make room")

    monkeypatch.setattr("initbench.records.write_bytes", full)
    files = ("--baseline", "small.json", "--junit", "junit.xml", "--markdown", "check.md")
    assert check(*files).exit_code == 2
    halved(monkeypatch)
    worse = check(*files)
    assert worse.exit_code == 1
    assert all(f"Error: cannot write {file}: No space left" in worse.stderr for file in ("junit.xml", "check.md"))
    before = baseline.read_text()
    accepted = check(*files, "--update")
    assert (accepted.exit_code, "small.json: written anew" in accepted.stderr) == (2, True)
    assert baseline.read_text() != before


def test_other_seeds_are_compared_without_pairs(baseline):
    result = check("--baseline", "small.json", "--seeds", "10-12,20", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert {found["kind"] for found in told["findings"]} == {"statistical", "signal"}
    assert any("seeds on either side" in found["text"] for found in told["findings"])


def test_update_accepts_what_is_measured_now(baseline, monkeypatch):
    weight = He.weight
    monkeypatch.setattr(He, "weight", lambda self, site, rng: 0.5 * weight(self, site, rng))
    result = check("--baseline", "small.json", "--update")
    assert result.exit_code == 0
    assert "small.json: written anew" in result.stderr
    assert check("--baseline", "small.json").exit_code == 0


def test_update_accepts_another_config_too(baseline):
    refused = check("--baseline", "small.json", "--set", "seeds=3")
    assert refused.exit_code == 2
    assert "seeds: the baseline has 4, the config 3" in refused.stderr
    assert check("--baseline", "small.json", "--set", "seeds=3", "--update").exit_code == 0
    assert read_baseline(baseline).schemes[0].seeds == (0, 1, 2)


def test_expectations_alone_are_enough_to_check():
    Path("small.yaml").write_text(SMALL + 'expect: {he: {final_train_loss: "< 100", faster_than: xavier, by: 99}}\n')
    result = check()
    assert result.exit_code == 1
    assert "1 regression: he: faster than expected 99× faster than xavier, found" in " ".join(result.stdout.split())


def test_nothing_to_check_is_a_usage_error():
    result = check()
    assert result.exit_code == 2
    assert "there is nothing to check: give --baseline FILE" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--margin", "lots"], "--margin: found 'lots', expected a share >= 0 such as 10% or 0.1"),
        (["--margin", "-1"], "--margin: found '-1'"),
        (["--metrics", "loss"], "--metrics: found 'loss', expected some of steps_to_target"),
        (["--seeds", "5-1"], "--seeds: found '5-1', expected seeds such as 100-104 or 7,8,9"),
        (["--seeds", "a"], "--seeds: found 'a'"),
        (["--update"], "--update needs --baseline FILE"),
        (["--baseline", "none.json"], "none.json: cannot be read: No such file or directory"),
    ],
)
def test_options_that_mean_nothing_are_usage_errors(options, message):
    result = check(*options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_margins_are_percent_or_fractions(baseline):
    for margin in ("10%", "0.1", "0"):
        assert check("--baseline", "small.json", "--margin", margin).exit_code == 0


def test_a_worker_that_dies_is_exit_code_3_and_keeps_the_baseline(baseline, monkeypatch):
    text = baseline.read_text()
    monkeypatch.setattr(Local, "run", lambda _self, stacks, _materials: ((stack, DIED) for stack in stacks))
    result = check("--baseline", "small.json")
    assert result.exit_code == 3
    assert "Nothing was measured." in result.stdout
    assert check("--baseline", "small.json", "--update").exit_code == 3
    assert run("baseline", "small.yaml", "-o", "other.json").exit_code == 3
    assert baseline.read_text() == text
    assert not Path("other.json").exists()


def test_a_stack_that_fails_beside_one_that_does_not_is_exit_code_3(baseline, monkeypatch):
    calls = []

    def failing(trials, *rest):
        calls.append(trials)
        if len(calls) == 1:
            raise RuntimeError("no luck")
        return train(trials, *rest)

    monkeypatch.setattr("initbench.execute.worker.train", failing)
    result = check("--baseline", "small.json")
    assert len(calls) > 1
    assert result.exit_code == 3
    assert "could not measure" in result.stdout
    told = " ".join(result.stdout.split())
    assert "trials of 8 could not be measured" in told or "Nothing was measured." in told


def test_python_does_the_same_as_the_commands(tmp_path):
    made = initbench.baseline("small.yaml", tmp_path / "python.json")
    assert made == read_baseline(tmp_path / "python.json")
    report = initbench.check("small.yaml", tmp_path / "python.json", tolerance=initbench.Tolerance(exact=True))
    assert (report.exit_code, report.sentence) == (0, "No regression in 16 comparisons over 4 seeds.")
    with pytest.raises(initbench.InitbenchError, match="nothing to check"):
        initbench.check("small.yaml")
