"""A report on the terminal: the table, then one sentence."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from initbench.gate import grid
from initbench.gate.findings import Mark, Report

_STYLES = {
    Mark.BETTER: "green",
    Mark.WORSE: "bold red",
    Mark.SAME: "dim",
    Mark.UNCLEAR: "yellow",
    Mark.UNMEASURED: "bold red",
}


def render(report: Report, *, only_changed: bool = False) -> Group:
    """The table of findings, the notes, and the sentence. Names are printed as they are, never as markup."""
    parts: list[RenderableType] = []
    rows = grid.rows(report, only_changed=only_changed)
    if rows:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
        for heading in grid.HEADINGS:
            table.add_column(Text(heading), overflow="fold")
        for finding, cells in rows:
            table.add_row(*(Text(cell, style=_STYLES[finding.mark]) for cell in cells))
        parts += [table, Text(grid.LEGEND, style="dim"), Text("")]
    parts += [Text(f"note: {note}", style="yellow") for note in report.notes]
    return Group(*parts, Text(report.sentence, style="bold red" if report.exit_code else "bold"))
