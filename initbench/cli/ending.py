"""The end of a run: what was found, for people or for programs."""

from __future__ import annotations

from initbench.analysis import Comparison
from initbench.cli import console
from initbench.report import machine, terminal


def print_comparison(comparison: Comparison, *, as_json: bool = False, quiet: bool = False) -> None:
    """Print a comparison: as JSON, as the sentence alone, or as tables."""
    if as_json:
        console.say(machine.as_json(comparison))
    elif quiet:
        console.say(comparison.sentence)
    else:
        console.out().print(terminal.render(comparison))
