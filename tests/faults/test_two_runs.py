"""Two runs on one folder: the second stops with one message, and a killed run holds nothing."""

import sys
import time

import pytest
from commands import gone, start

from initbench.records import read

CONFIG = """\
name: long
dataset: {name: synthetic, features: 6, classes: 3, samples: 60, test_samples: 20}
network: {name: mlp, depth: 3, width: 8}
init: he
batch_size: 10
steps: 100000
seeds: 1
device: cpu
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_a_second_run_in_a_folder_stops_and_a_killed_one_holds_nothing(tmp_path):
    (tmp_path / "long.yaml").write_text(CONFIG)
    run = ("run", "long.yaml", "--out", "results")
    first = start(tmp_path, *run)
    until_training(first)
    second = start(tmp_path, *run)
    assert second.ended() == 2
    message = second.log.read_text()
    assert message.splitlines()[-1] == (
        "Error: another run is writing to results: wait until it has ended, or choose another folder with --out DIR"
    )
    assert first.alive
    assert read(tmp_path / "results").records.outcomes.empty  # reading needs no lock
    assert start(tmp_path, *run, "--dry-run").ended() == 0

    assert first.kill()
    third = start(tmp_path, *run)
    until_training(third)
    assert third.kill()
    assert gone([first.pid, second.pid, third.pid])


def until_training(command):
    while "1 trial" not in (said := command.log.read_text()):
        assert command.alive, said
        time.sleep(0.05)
