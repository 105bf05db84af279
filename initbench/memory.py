"""How much memory is free, as the operating system and the container count it."""

from __future__ import annotations

import os
import re
from pathlib import Path

SYSTEM = Path("/proc/meminfo")
GROUPS = (  # limit, use and statistics of a control group, in the files of version 2 and of version 1
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory.stat"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
    ),
)
_AVAILABLE = re.compile(r"^MemAvailable:\s+(\d+) kB", re.MULTILINE)
_CACHED = re.compile(r"^(?:file|total_cache) (\d+)$", re.MULTILINE)  # counts as used, and is given back when needed


def free_memory() -> float:
    """Bytes that this process could still take; infinite where the system does not tell."""
    return min(_of_system(), *(_of_group(*map(Path, files)) for files in GROUPS))


def whole_memory() -> float:
    """Bytes that this machine, or the container, has in all; infinite where the system does not tell."""
    limits = []
    for limit, _, _ in GROUPS:
        try:
            limits.append(float(Path(limit).read_text(encoding="ascii")))
        except (OSError, ValueError):  # as below
            continue
    return min(_built_in(), *limits, float("inf"))


def _of_system() -> float:
    try:
        found = _AVAILABLE.search(SYSTEM.read_text(encoding="ascii"))
        return 1024.0 * int(found[1]) if found else float("inf")
    except (OSError, ValueError):  # not Linux: at least, what is built in
        return _built_in()


def _of_group(limit: Path, used: Path, statistics: Path) -> float:
    try:
        cached = _CACHED.search(statistics.read_text(encoding="ascii"))
        return float(limit.read_text()) - float(used.read_text()) + float(cached[1] if cached else 0)
    except (OSError, ValueError):  # no such group, or "max", which is none
        return float("inf")


def _built_in() -> float:
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # AttributeError: Windows has no sysconf
        return float("inf")
