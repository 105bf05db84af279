"""How commands end: a user's mistake is one message and exit code 2, Ctrl-C is one line and 130."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from initbench.cli import console
from initbench.errors import InitbenchError
from initbench.printable import printable

WRONG_USAGE = 2
NOT_MEASURED = 3
INTERRUPTED = 130
DEBUG_VARIABLE = "INITBENCH_DEBUG"


class Guarded(TyperGroup):
    """A group of commands whose errors are messages; ``--debug`` or INITBENCH_DEBUG=1 shows the traceback too."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer vendors click, or does not
        """Run the command that was asked for."""
        try:
            return super().invoke(ctx)
        except InitbenchError as error:
            if is_debugging(ctx):
                raise
            stop(str(error))
        except KeyboardInterrupt as interrupt:
            console.err().print(f"\nInterrupted. {interrupt}".rstrip(), highlight=False, markup=False, soft_wrap=True)
            raise typer.Exit(INTERRUPTED) from None
        except MemoryError:
            stop("out of memory; try fewer --workers, a smaller network or a smaller batch_size", NOT_MEASURED)


def ending(program: Callable[[], None]) -> None:
    """Run the program; what no command foresaw ends with code 3, since 1 means that a check found a regression."""
    try:
        program()
    except InitbenchError:  # with --debug
        sys.stderr.write(printable(traceback.format_exc()))
        sys.exit(WRONG_USAGE)
    except Exception:  # noqa: BLE001 - the last resort
        sys.stderr.write(printable(traceback.format_exc()))
        sys.stderr.write("\nThis is a bug in initbench. Please report it, with what `initbench info` prints.\n")
        sys.exit(NOT_MEASURED)


def stop(message: str, code: int = WRONG_USAGE) -> NoReturn:
    """Print one message on stderr and end with ``code``."""
    complain(message)
    raise typer.Exit(code)


def complain(message: str) -> None:
    """Print one message on stderr."""
    lines = printable(message).splitlines() or ["unknown error"]
    heading = "Error: " if len(lines) == 1 else f"Error: {len(lines)} problems\n  "
    sys.stderr.write(heading + "\n  ".join(lines) + "\n")


def is_debugging(ctx: typer.Context) -> bool:
    """Whether tracebacks are wanted."""
    return bool(ctx.find_root().params.get("debug")) or os.environ.get(DEBUG_VARIABLE, "0") not in {"", "0"}
