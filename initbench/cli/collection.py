"""Garbage, and when not to look for it.

Importing torch makes a million objects, a report ten million numbers and strings, and hardly any of them is garbage.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Hold garbage collection back, an eighth of the time; what is there in the end is not looked at again later."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()
