"""How worker processes begin: forked from a server that has imported what they need, once for all of them.

Importing torch takes a second or two, in each of several processes at once. The server does it one time, and may begin
while the command is still importing for itself. It has never computed anything: unlike a fork of the driver, a fork of
it copies no lock of a threaded torch. Where there is no such server, processes are spawned and import for themselves.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from initbench.interrupts import interrupts_held

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

IMPORTED = [
    "initbench.execute.crew",
    "initbench.cli",
]  # the second is the main module of a command, which workers import
MOST_HANDLES = 200  # that the server can pass to a process; multiprocessing.forkserver.MAXFDS_TO_SEND is 256


def available_cores() -> int:
    """The cores that this process may run on, which in a container are fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def expect_workers() -> None:
    """Let the server begin, if there is to be one, while this process does something else."""
    if sys.platform != "linux":
        return
    from multiprocessing import forkserver

    _server()
    with interrupts_held(), suppress(OSError):  # what keeps it from beginning will be said when a worker is to begin
        forkserver.ensure_running()


def beginnings(handles: int) -> ForkServerContext | SpawnContext:
    """The start method for processes that are given so many file handles, one for each tensor that they share."""
    if sys.platform == "linux" and handles <= MOST_HANDLES:
        return _server()
    return multiprocessing.get_context("spawn")


def _server() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    return context
