"""Where output goes: results to stdout, everything said along the way to stderr.

What is shown comes from configs, folders, exceptions and servers: no control character of theirs reaches the terminal.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

import typer
from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.segment import Segment

from initbench.printable import printable

READER_LEFT = 141  # what a shell reports of a program that SIGPIPE ended
WIDTH_OF_FILES = 120  # tables in a file or a pipe are not cut to a terminal that nobody looks at


class _Output(Console):
    def on_broken_pipe(self) -> None:
        """End quietly when the reader has left, as in ``initbench list | head -1``."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(READER_LEFT)


class _Printable(RenderHook):
    """Stands between what is printed and the terminal: rich's own sequences pass, those in a text are shown."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """What is printed instead."""
        return [_Shown(each) for each in renderables]


@dataclass(frozen=True)
class _Shown:
    inner: RenderableType

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for text, style, control in console.render(self.inner, options):
            yield Segment(text, style, control) if control else Segment(printable(text), style)


def out() -> Console:
    """The console on stdout. Numbers are not colored; text is never read as markup."""
    return _guarded(_Output(highlight=False, markup=False, width=None if sys.stdout.isatty() else _width()))


def err() -> Console:
    """The console on stderr."""
    return _guarded(_Output(stderr=True, highlight=False, markup=False))


def say(text: str, *, err: bool = False) -> None:
    """Print a text as it is, control characters as escapes: a line, or JSON."""
    typer.echo(printable(text), err=err)


def note(sentence: str) -> None:
    """Print a remark on stderr, given without its period."""
    err().print(f"Note: {sentence}.", soft_wrap=True)


def _guarded(console: Console) -> Console:
    console.push_render_hook(_Printable())
    return console


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    return int(columns) if columns.isdigit() and int(columns) else WIDTH_OF_FILES
