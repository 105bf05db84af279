"""Ctrl-C at a moment when a process is being started."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import resource_tracker


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back: a process started meanwhile never sees it, not even while importing; this one does after.

    The mask of signals is what the process inherits. It does not hold anything back here: another thread may be given
    the signal, and Python raises in the main thread all the same. So the main thread's handler notes it for later.
    """
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # starting it lets signals through again
    with _noted() if threading.current_thread() is threading.main_thread() else nullcontext():
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _noted() -> Iterator[None]:
    noted = list[int]()
    handler = signal.signal(signal.SIGINT, lambda number, _: noted.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_DFL if handler is None else handler)
        if noted:
            signal.raise_signal(signal.SIGINT)
