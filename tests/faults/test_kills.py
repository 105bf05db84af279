"""Kill -9 at any moment: finished trials are kept, and the next run ends as if nothing had happened.

What is compared are the three tables, to the last bit, without the two columns that hold times.
"""

import random
import signal
import sys
import time
from collections import Counter

import pandas as pd
import pytest
from commands import Command, gone, kill_quietly, start

from initbench.records import ResultsFolder

KILLS = 30
CONFIG = """\
name: tiny
dataset: {name: synthetic, features: 6, classes: 3, samples: 60, test_samples: 20}
network: {name: mlp, depth: [2, 3, 4, 5, 6], width: 8}
init: [he, xavier]
batch_size: 10
steps: 120
probe: [0, 120]
seeds: 8
device: cpu
"""
RUN = ("run", "tiny.yaml", "--workers", "2", "--out")
TRIALS = 80

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds workers in /proc"),
]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Where the runs take place; commands and workers do their arithmetic on one thread each."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (tmp_path / "tiny.yaml").write_text(CONFIG)
    return tmp_path


def tables(folder):
    """What is to come out the same: everything but the times."""
    results = ResultsFolder(folder).read()
    assert results.problems == ()
    outcomes = results.records.outcomes.drop(columns=["seconds", "init_seconds"])
    return {"outcomes": outcomes, "curves": results.records.curves, "layers": results.records.layers}


def assert_same(ours, theirs):
    for name, table in ours.items():
        pd.testing.assert_frame_equal(table, theirs[name], check_exact=True)


def assert_done(folder, undisturbed):
    """The tables of an undisturbed run, with every trial once."""
    assert_same(tables(folder), tables(undisturbed))
    assert len(tables(folder)["outcomes"]) == TRIALS


def test_thirty_kills_at_random_moments_cost_nothing_but_time(place, capsys):
    """The command or one of its workers is killed at a moment of an undisturbed run's duration, again and again.

    A worker is killed at most once in a command's life: a stack that is killed twice is taken for one that does not fit
    into memory and is done in halves, which agree with the whole up to rounding alone.
    """
    undisturbed = place / "undisturbed"
    assert start(place, "--version").ended() == 0  # the server of processes has imported everything
    started = time.monotonic()
    assert start(place, *RUN, "undisturbed").ended() == 0
    duration = time.monotonic() - started
    chance = random.Random(20261122)  # noqa: S311
    kills: Counter[str] = Counter()
    launches, runs, amid = 0, 1, 0
    while kills.total() < KILLS:
        launches += 1
        assert launches < 5 * KILLS, f"only {kills.total()} of {launches} kills hit a running command"
        folder = place / f"killed-{runs}"
        before = ResultsFolder(folder).finished()
        command = start(place, *RUN, folder.name)
        end = chance.uniform(0, duration * (1 - len(before) / TRIALS / 2))  # what is left takes less time
        if chance.random() < 0.6:
            earlier = chance.uniform(0, end)
            time.sleep(earlier)
            kills["worker"] += killed_worker(command, chance)
            time.sleep(end - earlier)
        else:
            time.sleep(end)
        workers = command.workers
        kills["command"] += command.kill()
        assert command.process.exitcode in (0, -signal.SIGKILL), command.log.read_text()
        assert gone(workers), "a worker outlived its command"
        done = ResultsFolder(folder).finished()
        assert before <= done, "a finished trial was lost"
        amid += 0 < len(done) < TRIALS
        if len(done) == TRIALS:
            assert_done(folder, undisturbed)
            runs += 1
    assert start(place, *RUN, folder.name).ended() == 0
    assert_done(folder, undisturbed)
    assert [path for path in folder.rglob("*") if path.name.endswith(".tmp")] == []
    assert amid >= 3, "hardly a kill hit a run amid its work"
    with capsys.disabled():
        killed = f"{kills['command']} commands and {kills['worker']} workers killed, {amid} times amid the work"
        sys.stdout.write(f"\n{killed}; {runs} runs compared in {time.monotonic() - started:.0f} s\n")


def killed_worker(command: Command, chance: random.Random) -> bool:
    workers = command.workers
    return bool(workers) and command.alive and kill_quietly(chance.choice(workers))
