"""Hand results to the trackers that people already use.

A tracker is one file here, and the file's name is what ``initbench export --to`` takes. Its libraries come with the
extra of the same name and are not imported before they are asked for.
"""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches

from initbench.errors import InitbenchError
from initbench.export._base import Destination, MissingExtraError, Tracker, Written

__all__ = ["TRACKERS", "Destination", "Tracker", "Written", "tracker"]

TRACKERS = tuple(info.name for info in pkgutil.iter_modules(__path__) if not info.name.startswith("_"))


def tracker(name: str) -> type[Tracker]:
    """The tracker of a name, one of ``TRACKERS``.

    Raises
    ------
    InitbenchError
        There is none of this name, or its extra is not installed.
    """
    if name not in TRACKERS:
        near = get_close_matches(name.lower(), TRACKERS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InitbenchError(f"found tracker '{name}', expected one of {', '.join(TRACKERS)}{hint}")
    try:
        module = importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("initbench"):
            raise
        raise MissingExtraError(name, error.name) from error
    found: type[Tracker] = module.TRACKER
    return found
