"""``initbench`` as a process that tests can kill, started in a tenth of a second.

Importing torch takes a second or more, three times for a command with two workers, and a test that kills thirty times
cannot wait for that. So commands are forked from a server that has imported everything, and their workers from them,
where the program has a server for its workers: what is killed, and what has to be found whole afterwards, is the same.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PRELOADED = ["initbench.cli.run", "initbench.cli.stages", "initbench.report.figures", "initbench.report.page"]
PATIENCE = 60.0  # seconds after which something hangs


@dataclass
class Command:
    """A running command; what it prints goes to ``log``."""

    process: Any
    log: Path

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    @property
    def workers(self) -> list[int]:
        """The worker processes that it has now."""
        return children_of(self.pid)

    def kill(self) -> bool:
        """Kill -9; whether that is what ended it."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
        self.process.join(PATIENCE)
        return self.process.exitcode == -signal.SIGKILL

    def ended(self) -> int | None:
        """Wait for the end; the exit code."""
        self.process.join(PATIENCE)
        return self.process.exitcode


def nothing() -> None:
    """What is done before a command, as a rule."""


def start(folder: Path, *arguments: str, before: Callable[[], None] = nothing) -> Command:
    """Start ``initbench ARGUMENTS`` in a folder; ``before`` is called in its process first."""
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(PRELOADED)
    log = folder / f"log-{time.monotonic_ns()}.txt"
    log.touch()
    process = server.Process(target=_command, args=(folder, arguments, log, before))
    process.start()
    return Command(process, log)


def _command(folder: Path, arguments: tuple[str, ...], log: Path, before: Callable[[], None]) -> None:
    import initbench.execute.crew
    import initbench.processes
    import initbench.report.figures
    import initbench.report.page
    from initbench.cli import main

    output = os.open(log, os.O_WRONLY)
    os.dup2(output, 1)
    os.dup2(output, 2)
    initbench.execute.crew.started = _forked
    initbench.processes.expect_workers = nothing
    initbench.report.figures.draw = lambda _comparison: {}  # drawing takes longer than all else
    initbench.report.page.render = lambda _comparison: "a page"
    os.chdir(folder)
    before()
    sys.argv = ["initbench", *arguments]
    main()


def _forked(target: Callable[..., None], args: tuple[Any, ...], handles: int) -> Any:
    del handles
    process = multiprocessing.get_context("fork").Process(target=target, args=args, daemon=True)
    process.start()
    return process


def parent_of(pid: int) -> int | None:
    """The parent of a process, unless that is gone or a zombie."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(parent) if state != "Z" else None


def children_of(pid: int) -> list[int]:
    """The living children of a process."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [child for child in pids if parent_of(child) == pid]


def gone(pids: list[int], seconds: float = 10.0) -> bool:
    """Whether all of these processes end within some seconds."""
    deadline = time.monotonic() + seconds
    while any(parent_of(pid) is not None for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def kill_quietly(pid: int) -> bool:
    """Kill -9 of a process; whether there was one."""
    if parent_of(pid) is None:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False
