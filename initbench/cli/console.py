"""Where output goes: results to stdout, everything said along the way to stderr."""

from __future__ import annotations

import os
import sys

from rich.console import Console

READER_LEFT = 141  # what a shell reports of a program that SIGPIPE ended
WIDTH_OF_FILES = 120  # tables in a file or a pipe are not cut to a terminal that nobody looks at


class _Output(Console):
    def on_broken_pipe(self) -> None:
        """End quietly when the reader has left, as in ``initbench list | head -1``."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(READER_LEFT)


def out() -> Console:
    """The console on stdout. Numbers are not colored; text is never read as markup."""
    return _Output(highlight=False, markup=False, width=None if sys.stdout.isatty() else _width())


def err() -> Console:
    """The console on stderr."""
    return _Output(stderr=True, highlight=False, markup=False)


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdigit() and int(columns) else WIDTH_OF_FILES
