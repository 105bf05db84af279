"""Worker processes that are killed at the worst moment, or that cannot even begin."""

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Planned, assert_same, done, of_kind, tables

from initbench.execute import Failed, Finished

UNGUARDED = """
import initbench

initbench.run("tiny.yaml", out="results", workers=2)
"""
CONFIG = """
dataset: {name: synthetic, features: 6, classes: 3, samples: 40, test_samples: 20}
network: {name: mlp, depth: [2, 3], width: 8}
init: he
batch_size: 10
steps: 2
seeds: 2
device: cpu
"""

pytestmark = pytest.mark.slow


def test_a_worker_killed_amid_its_result_holds_nobody_up(planned: Planned, tmp_path: Path) -> None:
    """The driver has the length of a message and a few bytes of it; what it waits for is the rest, or the end."""
    killed = tmp_path / "killed"
    settings = (f'init=he,trouble[how=dies_speaking,only=tanh,seed=1,until="{killed}"]', "steps=100")
    work = planned(*settings)
    events = done(work, workers=2)
    assert killed.exists()
    assert of_kind(events, Failed) == []
    assert len(of_kind(events, Finished)) == len(work.stacks)  # the stack was tried again, and whole
    done(planned(*settings, folder="undisturbed"))
    assert_same(tables(work.folder.path), tables(tmp_path / "undisturbed"))


def test_workers_that_cannot_begin_stop_the_run_with_advice(tmp_path: Path) -> None:
    """A script without its guard is run again by every worker, which may start no workers of its own."""
    (tmp_path / "script.py").write_text(UNGUARDED)
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    ended = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert "worker processes end before they can begin" in last
    assert '`if __name__ == "__main__":`' in last
    assert "--workers 1" in last
