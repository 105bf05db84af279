"""The command itself, as a shell starts it: killed or interrupted, it leaves neither processes nor shared memory."""

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from commands import PATIENCE, children_of, gone, parent_of

from initbench.records import ResultsFolder, read

CONFIG = """\
name: steady
dataset: {name: synthetic, features: 6, classes: 3, samples: 60, test_samples: 20}
network: {name: mlp, depth: [2, 3, 4, 5], width: 8}
init: [he, xavier]
batch_size: 10
steps: 1000
probe: none
seeds: 4
device: cpu
"""
SHARED = Path("/dev/shm")  # noqa: S108

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]


@pytest.fixture
def place(tmp_path):
    (tmp_path / "steady.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The results of a run that nothing happened to."""
    place = tmp_path_factory.mktemp("undisturbed")
    (place / "steady.yaml").write_text(CONFIG)
    with started(place) as command:
        assert command.wait(PATIENCE) == 0
    return place / "results"


@contextmanager
def started(place):
    arguments = ["run", "steady.yaml", "--workers", "2", "--out", "results"]
    program = [sys.executable, "-m", "initbench", *arguments]
    alone = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (place / "results.log").open("w") as log:
        command = subprocess.Popen(program, cwd=place, env=alone, stdout=subprocess.DEVNULL, stderr=log)
    try:
        yield command
    finally:
        command.kill()
        command.wait()


def offspring(pid):
    """The processes that a command has started, its trackers of resources among them."""
    direct = children_of(pid)
    return [*direct, *(grandchild for child in direct for grandchild in children_of(child))]


def workers_of(pid):
    """The worker processes of a command: what its children have forked. Of its children, only the server forks."""
    return [worker for child in children_of(pid) for worker in children_of(child)]


def assert_same(ours, theirs):
    """The tables of two folders, to the last bit, without the columns that hold times."""
    ours, theirs = read(ours).records, read(theirs).records
    pd.testing.assert_frame_equal(ours.curves, theirs.curves, check_exact=True)
    pd.testing.assert_frame_equal(ours.layers, theirs.layers, check_exact=True)
    times = ["seconds", "init_seconds"]
    ours, theirs = (records.outcomes.drop(columns=times) for records in (ours, theirs))
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def mapped(pids):
    """The files in shared memory that these processes use, by name."""
    names = set()
    for pid in pids:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            path = line.partition("/")[2].removesuffix(" (deleted)")
            if f"/{path}".startswith(str(SHARED)):
                names.add(Path(path).name)
    return names


def until(condition, command):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert command.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("moment", ["while modules are imported", "while workers are training"])
def test_a_killed_command_leaves_no_process_and_no_shared_memory(place, moment):
    results = ResultsFolder(place / "results")
    with started(place) as command:
        if moment == "while modules are imported":
            until(lambda: len(children_of(command.pid)) >= 2, command)
        else:
            until(results.finished, command)
        family = offspring(command.pid)
        assert len(family) >= 2
        shared = mapped([command.pid, *family])
        os.kill(command.pid, signal.SIGKILL)
        command.wait(PATIENCE)
    # The server of processes sees that the command is gone when it has imported everything.
    assert gone(family, PATIENCE), [pid for pid in family if parent_of(pid) is not None]
    assert {path.name for path in SHARED.iterdir()} & shared == set()
    assert not any(f"_{pid}_" in path.name for path in SHARED.iterdir() for pid in (command.pid, *family))


def test_an_interrupted_command_says_how_to_go_on_and_going_on_ends_the_same(place, undisturbed):
    results = ResultsFolder(place / "results")
    with started(place) as command:
        until(results.finished, command)
        family = offspring(command.pid)
        os.kill(command.pid, signal.SIGINT)
        assert command.wait(PATIENCE) == 130
    said = (place / "results.log").read_text()
    assert "Traceback" not in said
    last = "Interrupted. Finished trials are kept in results; the same command goes on from there."
    assert said.splitlines()[-1] == last
    assert gone(family)
    assert 0 < len(results.finished()) < 32
    with started(place) as command:
        assert command.wait(PATIENCE) == 0
    assert_same(place / "results", undisturbed)


def test_a_worker_killed_amid_its_training_changes_nothing_that_comes_out(place, undisturbed):
    """The server that the worker came from, and the worker beside it, go on; its stack is trained once more."""
    results = ResultsFolder(place / "results")
    with started(place) as command:
        until(results.finished, command)
        before = results.finished()
        workers = workers_of(command.pid)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)
        assert gone(workers[:1])
        until(lambda: set(workers_of(command.pid)) - set(workers), command)
        assert command.wait(PATIENCE) == 0
    assert 0 < len(before) < 32
    assert_same(place / "results", undisturbed)
