"""A report on the terminal: the table, then one sentence."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from initbench.gate import grid
from initbench.gate.findings import Mark, Report
from initbench.in_terminal import Column, Fitted, Role

_ROLES = (Role.NAME, Role.NAME, Role.PROSE, Role.PROSE, Role.PROSE, Role.PROSE)
_SPARE = (0, 0, 0, 1, 0, 0)  # the change tells what was before
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
        texts = [[Text(cell, style=_STYLES[finding.mark]) for cell in cells] for finding, cells in rows]
        columns = zip(grid.headings(report), zip(*texts, strict=True), _ROLES, _SPARE, strict=True)
        table = Fitted(tuple(Column(*column) for column in columns), "--json has all")
        parts += [table, Text(grid.LEGEND, style="dim"), Text("")]
    parts += [Text(f"note: {note}", style="yellow") for note in report.notes]
    return Group(*parts, Text(report.sentence, style="bold red" if report.exit_code else "bold"))
