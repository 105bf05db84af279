"""Where numbers come from: versions, platform and command, for ``provenance.json`` and for bug reports."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from initbench.printable import printable

PACKAGES = ("initbench", "torch", "numpy", "scipy", "pandas", "pyarrow", "pydantic", "matplotlib", "typer", "rich")


def environment() -> dict[str, Any]:
    """Versions and hardware, as plain data."""
    return {
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "platform": platform.platform(),
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "blas": "MKL" if torch.backends.mkl.is_available() else "other",
    }


def command() -> str:
    """The command line of this process as a shell takes it, its program by name."""
    name = Path(sys.argv[0]).name
    program = ["python", "-m", "initbench"] if name == "__main__.py" else [name]
    return printable(shlex.join([*program, *sys.argv[1:]]))


def git_commit() -> str | None:
    """The commit of the working directory, with ``+`` where it has uncommitted changes; None outside a repository."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--abbrev=40", "--dirty=+"],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
