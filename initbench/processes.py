"""How worker processes begin: forked from a server that has imported what they need, once for all of them.

Importing torch takes a second or two, in each of several processes at once. The server does it one time, and may begin
while the command is still importing for itself. It has never computed anything: unlike a fork of the driver, a fork of
it copies no lock of a threaded torch. Where there is no such server, processes are spawned and import for themselves.

It is the one fork server that ``multiprocessing`` keeps for a program. Where the program has put it to a use of its
own, nothing is known of what its forks would copy, and it is left alone.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from initbench.interrupts import interrupts_held

IMPORTED = ["initbench.execute.crew", "initbench.cli"]  # the second by the main module of a command, and so by workers
MOST_HANDLES = 200  # that the server can pass to a process; multiprocessing.forkserver.MAXFDS_TO_SEND is 256


def expect_workers() -> None:
    """Let the server begin, if there is to be one, while this process does something else.

    It ends with this process, which may find a mistake and end first: the server would go on importing, and keep
    whoever reads what the command prints waiting for more.
    """
    if _served():
        atexit.unregister(_end_server)
        atexit.register(_end_server)


def started(target: Callable[..., None], args: tuple[Any, ...], handles: int) -> Any:
    """A new process, which ends with this one, and is given so many file handles: one for each tensor that they share.

    Raises
    ------
    OSError, EOFError
        There can be no other process, or it was killed before it could begin.
    """
    if handles <= MOST_HANDLES and _served():
        # Ctrl-C need not be held back: the server does not see it, and neither do its forks.
        process = multiprocessing.get_context("forkserver").Process(target=target, args=args, daemon=True)
        process.start()
        return process
    with interrupts_held():
        spawned = multiprocessing.get_context("spawn").Process(target=target, args=args, daemon=True)
        spawned.start()
    return spawned


def _served() -> bool:
    """Whether there is a server; it is started where it is not."""
    if sys.platform != "linux":
        return False
    from multiprocessing import forkserver

    is_ours, is_unused = _preloaded() == IMPORTED, _preloaded() == ["__main__"] and _server() is None
    if not (is_ours or is_unused):
        return False
    forkserver.set_forkserver_preload(IMPORTED)
    try:
        with interrupts_held():
            forkserver.ensure_running()
    except OSError:  # its socket lies in the folder of temporary files, whose name may be too long for one
        return False
    return True


def _end_server() -> None:
    if (server := _server()) is not None:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGKILL)


def _server() -> int | None:
    """The process id of the program's fork server, if it has one."""
    from multiprocessing import forkserver

    return getattr(forkserver._forkserver, "_forkserver_pid", None)


def _preloaded() -> list[str]:
    from multiprocessing import forkserver

    return getattr(forkserver._forkserver, "_preload_modules", IMPORTED)
