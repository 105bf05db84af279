"""Where the findings of a check go: the terminal, the files that were asked for, and GitHub.

A file that cannot be written is told before anything is trained, as far as that can be seen, and never takes the place
of a verdict: a regression is exit code 1 whether or not its JUnit file could be written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from initbench.cli import console
from initbench.cli.options import OUTPUT

if TYPE_CHECKING:
    from initbench.gate import Report

SUMMARY = "GITHUB_STEP_SUMMARY"


@dataclass(frozen=True)
class Outputs:
    """Where the findings go, besides the terminal."""

    only_changed: Annotated[
        bool, typer.Option("--only-changed", help="Leave out what is the same.", rich_help_panel=OUTPUT)
    ] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of a table.", rich_help_panel=OUTPUT)
    ] = False
    junit: Annotated[
        Path | None, typer.Option(help="Write JUnit XML to this file.", rich_help_panel=OUTPUT, metavar="FILE")
    ] = None
    markdown: Annotated[
        Path | None,
        typer.Option(help="Write a Markdown summary to this file.", rich_help_panel=OUTPUT, metavar="FILE"),
    ] = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that were asked for."""
        return tuple(file for file in (self.junit, self.markdown) if file is not None)


def show(report: Report, outputs: Outputs, config: str | None) -> None:
    """Print the findings, and tell GitHub; ``config`` is the file that annotations point to."""
    from initbench.gate import github, machine, markdown, terminal

    if outputs.as_json:
        console.say(machine.as_json(report))
    else:
        console.out().print(terminal.render(report, only_changed=outputs.only_changed))
    if not github.runs_there(os.environ):
        return
    for command in github.workflow_commands(report, config):
        console.say(command, err=True)  # the runner reads both streams, and stdout may hold JSON
    summary = os.environ.get(SUMMARY)
    if summary:
        try:
            with Path(summary).open("a", encoding="utf-8") as steps:
                steps.write(markdown.render(report))
        except OSError as error:  # nobody asked for it here, and the check may run where the runner's files are not
            console.note(f"cannot write {SUMMARY}, {summary}: {error.strerror}")


def write(report: Report, outputs: Outputs, seconds: float) -> Iterator[str]:
    """Write the files that were asked for, all that can be; what is yielded says why one cannot."""
    from initbench.gate import junit, markdown
    from initbench.records import RecordsError, write_bytes

    contents: dict[Path | None, Callable[[], bytes]] = {
        outputs.junit: lambda: junit.render(report, seconds),
        outputs.markdown: lambda: markdown.render(report).encode(),
    }
    for file, content in contents.items():
        if file is not None:
            try:
                write_bytes(file, content())
            except RecordsError as error:
                yield str(error)
