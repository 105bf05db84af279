"""The benchmarks run and say what they should; no timing is judged here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import benchmarks.suite as suite
from benchmarks.__main__ import app
from benchmarks.rounds import Timings

RATIOS = ("tutorial_over_initbench", "tuned_over_initbench", "limit_over_initbench")


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few updates of narrow networks, one round, and no process for the whole command."""
    monkeypatch.setitem(suite.CASES, "classic", suite.Case("{name: mlp, hidden: [16, 8]}", updates=10))
    monkeypatch.setitem(suite.CASES, "cnn", suite.Case("{name: cnn, depth: 3, channels: 2}", updates=10))
    monkeypatch.setattr(suite, "REPLICAS", (1, 64))
    monkeypatch.setattr(suite, "_command_seconds", lambda case: float(case.updates))
    monkeypatch.setattr("benchmarks.rounds.PAUSE", 0.0)
    monkeypatch.setattr("benchmarks.__main__.QUICK", (1, 0.1))


@pytest.mark.usefixtures("tiny")
def test_the_numbers_are_written_as_json_and_are_positive(tmp_path: Path) -> None:
    file = tmp_path / "numbers.json"
    options = ["--quick", "--json", str(file), "--case", "classic", "--case", "cnn", "--case", "replicas"]
    said = CliRunner().invoke(app, options, catch_exceptions=False)
    numbers = json.loads(file.read_text())
    assert said.exit_code == 0
    for case in ("classic", "cnn"):
        assert all(numbers[case][key] > 0 for key in RATIOS)
        assert numbers[case]["probe_overhead"] > -1
        assert set(numbers[case]["seconds"]) == {"tutorial", "tuned", "initbench", "limit", "probed"}
        assert all(0 < side["min"] <= side["median"] <= side["max"] for side in numbers[case]["seconds"].values())
        assert case in said.stdout
    assert set(numbers["replicas"]["median_seconds"]) == {"1", "64"}
    assert numbers["replicas"]["ratio_64_to_1"] > 0
    assert numbers["machine"]["cores"] >= 1


def test_a_case_that_does_not_exist_is_answered_with_those_that_do() -> None:
    said = CliRunner().invoke(app, ["--case", "classics"])
    assert said.exit_code == 2
    assert "deep128" in said.output


def test_ratios_are_taken_within_rounds() -> None:
    timings = Timings({"slow": (2.0, 40.0, 3.0), "fast": (1.0, 10.0, 1.0)})
    assert timings.ratio("slow", "fast") == 3.0
    assert timings.ratio_of_fastest("slow", "fast") == 2.0
