"""Importing torch and the rest makes a million objects and frees hardly any: to look for garbage meanwhile is waste."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing() -> Iterator[None]:
    """Hold garbage collection back, an eighth of the time; what has been imported is not looked at again later."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()
