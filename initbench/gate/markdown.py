"""A report as Markdown, for a pull request: the sentence, what changed, and the whole table folded away."""

from __future__ import annotations

from collections.abc import Sequence

from initbench.gate import grid
from initbench.gate.findings import Finding, Report, most_telling
from initbench.in_markdown import in_markdown
from initbench.printable import printable

_OUTCOME = {0: "passed", 1: "failed", 3: "could not measure"}


def render(report: Report) -> str:
    """The summary, ending in a line break."""
    headings = grid.headings(report)
    changed, everything = (grid.rows(report, only_changed=only) for only in (True, False))
    lines = [
        f"### initbench check {in_markdown(report.name)}: {_OUTCOME[report.exit_code]}",
        "",
        in_markdown(report.sentence),
    ]
    if changed:
        lines += ["", *_table(headings, changed)]
    if report.regressions:
        lines += ["", *(f"- {in_markdown(finding.text)}" for finding in most_telling(report.regressions))]
    lines += ["", *(f"> {in_markdown(note)}" for note in report.notes)] if report.notes else []
    if len(everything) > len(changed):
        summary = f"<summary>All {len(everything)} comparisons</summary>"
        lines += ["", "<details>", summary, "", *_table(headings, everything), "", "</details>"]
    return printable("\n".join([*lines, "", in_markdown(grid.LEGEND)])) + "\n"


def _table(headings: Sequence[str], rows: Sequence[tuple[Finding, tuple[str, ...]]]) -> list[str]:
    head = [f"| {' | '.join(headings)} |", f"|{' --- |' * len(headings)}"]
    return head + [f"| `{mark}` | {' | '.join(map(in_markdown, cells))} |" for _, (mark, *cells) in rows]
