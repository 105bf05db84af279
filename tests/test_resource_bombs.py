"""Configs that ask for more than there is: refused with what they would take, before anything is allocated."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from initbench import costs
from initbench.cli import app
from initbench.config import ConfigError, load_text
from initbench.errors import InitbenchError
from initbench.execute import limits, schedule

BILLION, TRILLION = 10**9, 10**12
MACHINE = 24e9

NOWHERE = {  # what no machine could run, with the key that is named
    f"network.depth={BILLION}": "network.depth",
    f"network.depth={10**21}": "network.depth",
    f"network.width={BILLION}": "network.width",
    f"network.hidden=[8,{BILLION},{BILLION}]": "network.hidden",
    f"network=cnn[depth={BILLION}]": "network.depth",
    "network=cnn[channels=1000000]": "network.channels",
    "network=cnn[kernel=100001]": "network.kernel",
    f"network=resnet[depth={BILLION}]": "network.depth",
    f"network=resnet[depth={BILLION},branch={BILLION - 2}]": "network.depth",
    f"network=resnet[width={BILLION},kind=dense]": "network.width",
    f"network=rnn[width={BILLION}]": "network.width",
    f"dataset=synthetic[samples={TRILLION}]": "dataset",
    f"dataset=synthetic[test_samples={TRILLION}]": "dataset",
    f"dataset=synthetic[features={TRILLION}]": "dataset",
    f"dataset=synthetic[classes={TRILLION}]": "dataset",
    "dataset=synthetic[shape=[1000000,1000000,1000000]]": "dataset",
    f"dataset=sequences[samples={TRILLION}]": "dataset",
    f"dataset=sequences[steps={TRILLION}]": "dataset",
    f"seeds={BILLION}": "seeds",
}
NOT_HERE = {  # what a larger machine could run
    "network.width=50000": "network: mlp[depth=5,width=50000], a batch of 128: one trial takes 121 GB of memory",
    "dataset=synthetic[samples=100000000]": "dataset: synthetic[features=32,samples=100000000] takes 64 GB of memory",
    f"steps={TRILLION}": f"steps: {TRILLION}, a row every 10 updates: one trial takes 50 TB of memory",
    f"epochs={TRILLION}": f"epochs: {TRILLION}, a row every 10 updates: one trial takes 3.9 PB of memory",
    "batch_size=1000000": "network: mlp[depth=5,width=8000], a batch of 1000000: one trial takes 515 GB of memory",
}
ALONGSIDE = {"batch_size=1000000": ("dataset=synthetic[samples=1000000]", "network.width=8000")}


@pytest.fixture(autouse=True)
def _a_machine_of_24_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "whole_memory", lambda: MACHINE)


@pytest.mark.parametrize(("override", "key"), NOWHERE.items())
def test_what_no_machine_could_run_is_refused_at_load_with_its_place_and_what_it_would_take(
    override: str, key: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        load_text("init: he\n", "x.yaml", [override])
    (problem,) = refused.value.problems
    assert (str(problem.place), problem.key) == (f"--set {override}", key)
    assert "of memory" in problem.text


def test_a_place_in_a_file_is_named_by_its_line() -> None:
    with pytest.raises(ConfigError, match=r"^x\.yaml:4: network\.depth: .* 546 TB of memory and 9\.6 days an update$"):
        load_text(f"init: he\nnetwork:\n  name: mlp\n  depth: {BILLION}\n", "x.yaml")


@pytest.mark.parametrize(("override", "message"), NOT_HERE.items())
def test_what_this_machine_cannot_hold_is_refused_when_it_is_planned(
    override: str, message: str, tmp_path: Path
) -> None:
    experiment = load_text("init: he\ndevice: cpu\n", "x.yaml", [*ALONGSIDE.get(override, ()), override])
    with pytest.raises(InitbenchError) as refused:
        schedule(experiment, tmp_path / "results", tmp_path)
    assert str(refused.value).startswith(message)
    assert "this machine has 24 GB" in str(refused.value)
    assert schedule(experiment, tmp_path / "results", tmp_path, elsewhere=True).missing  # other machines may have more


@pytest.mark.parametrize("trials", [BILLION, TRILLION])
def test_trials_that_cannot_even_be_listed_are_refused(trials: int, tmp_path: Path) -> None:
    crossed = f"seeds: {{init: 1000000, data: {trials // 1_000_000}}}"
    with pytest.raises(InitbenchError, match=rf"^{trials} trials: their list alone takes .* of memory.* years"):
        schedule(load_text(f"init: he\n{crossed}\n", "x.yaml"), tmp_path, tmp_path)


def test_refusing_takes_no_memory_to_speak_of(tmp_path: Path) -> None:
    script = tmp_path / "refuse.py"
    script.write_text(
        "import json, resource, sys\n"
        "from pathlib import Path\n"
        "from initbench.config import load_text\n"
        "from initbench.errors import InitbenchError\n"
        "from initbench.execute import schedule\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "refused = 0\n"
        "for overrides in json.loads(sys.argv[1]):\n"
        "    try:\n"
        "        schedule(load_text('init: he', 'x.yaml', overrides), Path('nowhere'), Path())\n"
        "    except InitbenchError:\n"
        "        refused += 1\n"
        "print(refused, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    bombs = [[bomb] for bomb in NOWHERE]
    bombs += [[f"steps={TRILLION}"], [f"epochs={TRILLION}"]]
    told = subprocess.run(
        [sys.executable, script, json.dumps(bombs)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    refused, grown = map(int, told.stdout.split())
    assert refused == len(bombs)
    assert grown * (1 if sys.platform == "darwin" else 1024) < 100e6


def test_the_longest_run_that_nobody_is_asked_about_is_a_day(tmp_path: Path) -> None:
    config = tmp_path / "long.yaml"
    config.write_text(
        "dataset: {name: synthetic, features: 6, classes: 3, samples: 40, test_samples: 20}\n"
        "network: {name: mlp, depth: 3, width: 8}\ninit: he\nbatch_size: 10\nsteps: 1000000\nlog_every: 1000\n"
        "device: cpu\nseeds: 100000\n"
    )
    run = ["run", str(config), "--out", str(tmp_path / "results"), "--workers", "2"]
    refused = CliRunner().invoke(app, run)
    assert refused.exit_code == 2
    assert "add --yes to start that" in refused.output
    assert "100000 trials take about" in refused.output
    assert not (tmp_path / "results").exists()
    assert CliRunner().invoke(app, [*run, "--dry-run"]).exit_code == 0


def test_yes_says_nothing_to_memory(tmp_path: Path) -> None:
    run = ["run", "smoke", "--set", f"steps={TRILLION}", "--yes", "--out", str(tmp_path / "results")]
    refused = CliRunner().invoke(app, run)
    assert refused.exit_code == 2
    assert "of memory, and this machine has 24 GB" in refused.output


SPANS = {0.004: "4 ms", 4: "4 s", 75: "1 min", 3000: "50 min", 7200: "2.0 h", 90_000: "25 h", 3e6: "35 days"}
SPANS |= {1e9: "32 years", 1e30: "more than a million years"}


@pytest.mark.parametrize(("seconds", "words"), SPANS.items())
def test_times_are_told_no_more_precisely_than_they_are_known(seconds: float, words: str) -> None:
    assert costs.span(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), {500: "0.5 kB", 24e9: "24 GB", 546e12: "546 TB", 1e40: "more than 1000 YB"}.items()
)
def test_sizes_are_told_in_the_units_of_memory(count: float, words: str) -> None:
    assert costs.amount(count) == words


def test_memory_is_that_of_the_container_where_it_has_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from initbench import memory

    whole = memory.whole_memory()
    (tmp_path / "memory.max").write_text("1000000\n")
    monkeypatch.setattr(memory, "GROUPS", ((str(tmp_path / "memory.max"), "", ""),))
    assert memory.whole_memory() == 1e6 < whole
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.whole_memory() >= whole
