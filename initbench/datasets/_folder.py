"""Where downloaded datasets lie: the folder asked for, else ``INITBENCH_DATA``, else the user's cache."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from initbench.datasets._base import DatasetError

VARIABLE = "INITBENCH_DATA"


def data_folder(option: Path | None = None) -> Path:
    """The data folder: ``option`` (that of ``--data-dir``), else the environment's, else a folder in the user's cache.

    Raises
    ------
    DatasetError
        The path begins with the home of a user who does not exist.
    """
    chosen = str(option or "") or os.environ.get(VARIABLE)
    if not chosen:
        return cache_folder(sys.platform, os.environ) / "initbench"
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise DatasetError(f"no such data folder: {chosen} ({error})") from error


def cache_folder(platform: str, environment: Mapping[str, str]) -> Path:
    """The folder for caches by the custom of the platform: XDG's, ``~/Library/Caches`` or ``%LOCALAPPDATA%``."""
    try:
        home = Path.home()
    except RuntimeError:  # a user without a home, as in some containers
        return Path(tempfile.gettempdir())
    if platform == "darwin":
        return home / "Library" / "Caches"
    if platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local")
    named = Path(environment.get("XDG_CACHE_HOME") or "")
    return named if named.is_absolute() else home / ".cache"  # the XDG standard: ignore relative paths
