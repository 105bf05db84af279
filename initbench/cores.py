"""How many cores there are to work on, as the operating system and the container count them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

GROUPS = (  # quota and period of a control group: one file in version 2, two in version 1
    ("/sys/fs/cgroup/cpu.max",),
    ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
)


def available_cores() -> int:
    """The cores that this process may run on, which in a container are fewer than the machine has."""
    allowed = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return max(1, int(min(allowed, *(_quota(files) for files in GROUPS))))


def _quota(files: tuple[str, ...]) -> float:
    """The share of time that a control group may take, in cores; infinite where there is no limit."""
    try:
        quota, period = " ".join(Path(file).read_text(encoding="ascii") for file in files).split()
        return int(quota) / int(period) if int(quota) > 0 else float("inf")
    except (OSError, ValueError, ZeroDivisionError):  # no such group, or "max", which is none
        return float("inf")
