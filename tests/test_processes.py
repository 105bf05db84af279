"""How worker processes begin: from a server, or spawned where there is none."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import Pipe, forkserver
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from initbench import processes
from initbench.processes import IMPORTED, MOST_HANDLES, started

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a server of processes; others spawn")

LONG_FOLDER = "a folder of temporary files whose name is too long for the address of a socket in it"


@pytest.fixture(autouse=True)
def _no_server() -> Iterator[None]:
    """Begin and end without one."""
    forkserver._forkserver._stop()
    forkserver.set_forkserver_preload(["__main__"])
    yield
    forkserver._forkserver._stop()
    forkserver.set_forkserver_preload(["__main__"])


def tell(pipe: Connection) -> None:
    """What a process has imported, and whose child it is."""
    pipe.send((set(sys.modules), os.getppid()))


def told(handles: int = 0) -> tuple[set[str], int]:
    ours, theirs = Pipe()
    process = started(tell, (theirs,), handles)
    found: tuple[set[str], int] = ours.recv()
    process.join()
    return found


def test_a_process_finds_everything_imported() -> None:
    imported, parent = told()
    assert set(IMPORTED) <= imported
    assert parent == processes._server()


def test_what_the_server_cannot_pass_on_is_handed_to_a_spawned_process() -> None:
    imported, parent = told(MOST_HANDLES + 1)
    assert "initbench.execute.crew" not in imported
    assert parent == os.getpid()


def test_a_server_that_cannot_begin_is_done_without(tmp_path, monkeypatch) -> None:
    (tmp_path / LONG_FOLDER).mkdir()
    monkeypatch.setattr("multiprocessing.util.get_temp_dir", lambda: str(tmp_path / LONG_FOLDER))
    assert told()[1] == os.getpid()


@pytest.mark.parametrize("running", [True, False])
def test_a_server_that_the_program_uses_for_itself_is_left_alone(running: bool) -> None:
    forkserver.set_forkserver_preload(["json"])
    if running:
        forkserver.ensure_running()
    assert told()[1] == os.getpid()
    assert processes._preloaded() == ["json"]


def is_at_work(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of it until somebody asks how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_server_that_is_killed_is_replaced() -> None:
    _, first = told()
    os.kill(first, signal.SIGKILL)
    os.waitid(os.P_PID, first, os.WEXITED | os.WNOWAIT)  # until it is gone; that it is, is for others to find out
    _, second = told()
    assert second != first


def test_the_server_of_a_command_ends_with_it() -> None:
    """At once, and not when it has imported everything: whoever reads what the command prints waits for both."""
    code = "from initbench import processes; processes.expect_workers(); print(processes._server())"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    server = int(ended.stdout)
    deadline = time.monotonic() + 10
    while is_at_work(server):
        assert "torch" not in Path(f"/proc/{server}/maps").read_text(), "it went on importing"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert ended.stderr == ""
