"""Worker processes that are killed at the worst moment, or that cannot even begin."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from small_runs import Planned, assert_same, done, of_kind, tables

from initbench import processes
from initbench.execute import Failed, Finished
from initbench.execute.crew import WorkersError
from initbench.interrupts import interrupts_held

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


def test_spawned_workers_give_the_tables_of_forked_ones(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spawned they are where there is no server of processes, or where it cannot pass on so many tensors."""
    forked, spawned = planned(folder="forked"), planned(folder="spawned")
    done(forked, workers=2)
    monkeypatch.setattr(processes, "MOST_HANDLES", 0)
    done(spawned, workers=2)
    assert_same(tables(spawned.folder.path), tables(forked.folder.path))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a server of processes; others spawn")
def test_a_server_of_processes_that_is_killed_is_replaced(planned: Planned) -> None:
    undisturbed, again = planned(folder="undisturbed"), planned(folder="again")
    done(undisturbed, workers=2)
    killed = processes._server()
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert of_kind(done(again, workers=2), Failed) == []
    assert processes._server() != killed
    assert_same(tables(again.folder.path), tables(undisturbed.folder.path))


@pytest.mark.skipif(sys.platform == "win32", reason="has no mask of signals")
def test_an_interrupt_waits_until_a_worker_is_started_and_no_longer() -> None:
    """It may come in any thread, and is raised in the main one all the same."""
    inherited = []

    def start() -> None:
        with interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            other = threading.Thread(target=lambda: os.kill(os.getpid(), signal.SIGINT))
            other.start()
            other.join()
            inherited.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    with pytest.raises(KeyboardInterrupt):
        start()
    assert [signal.SIGINT in mask for mask in inherited] == [True]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_run_ends_with_the_reason_where_no_process_can_be_started(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr("initbench.execute.crew.started", refuse)
    with pytest.raises(WorkersError, match=r"before they can begin \(Resource temporarily unavailable\): is memory"):
        done(planned(), workers=2)


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
