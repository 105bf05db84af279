"""Names of experiments, which become names of folders: on any file system, and never outside of the results folder."""

from __future__ import annotations

import re

PATTERN = r"^\w([\w .+=-]*[\w+=-])?$"
LONGEST_NAME = 100  # characters
LONGEST_ON_DISK = 200  # bytes; file systems take 255, and temporary names are longer

_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)


def fault(name: str) -> str | None:
    """Why a name cannot be that of a folder, or None: it could leave the folder above, hide in it, or not exist."""
    if len(name) > LONGEST_NAME or not re.fullmatch(PATTERN[1:-1], name):
        return "a name is a folder's: letters, digits, blanks and _.+=-, no path, no dot at either end"
    if len(name.encode()) > LONGEST_ON_DISK:
        return f"a name is a folder's, and takes at most {LONGEST_ON_DISK} bytes on a disk"
    if _DEVICE.match(name):
        return "a name is a folder's, and Windows keeps this one for a device"
    return None
