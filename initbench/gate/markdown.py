"""A report as Markdown, for a pull request: the sentence, what changed, and the whole table folded away."""

from __future__ import annotations

import re
from collections.abc import Iterable

from initbench.gate import grid
from initbench.gate.findings import Report, most_telling
from initbench.printable import printable

_SPECIAL = re.compile(r"([\\`*<>|~]|\](?=\()|(?<!\w)_|_(?!\w))")  # an underscore inside a word is safe
_OUTCOME = {0: "passed", 1: "failed", 3: "could not measure"}


def render(report: Report) -> str:
    """The summary, ending in a line break."""
    changed, everything = (grid.rows(report, only_changed=only) for only in (True, False))
    lines = [
        f"### initbench check {_escaped(report.name)}: {_OUTCOME[report.exit_code]}",
        "",
        _escaped(report.sentence),
    ]
    if changed:
        lines += ["", *_table(cells for _, cells in changed)]
    if report.regressions:
        lines += ["", *(f"- {_escaped(finding.text)}" for finding in most_telling(report.regressions))]
    lines += ["", *(f"> {_escaped(note)}" for note in report.notes)] if report.notes else []
    if len(everything) > len(changed):
        summary = f"<summary>All {len(everything)} comparisons</summary>"
        lines += ["", "<details>", summary, "", *_table(cells for _, cells in everything), "", "</details>"]
    return printable("\n".join([*lines, "", _escaped(grid.LEGEND)])) + "\n"


def _table(rows: Iterable[tuple[str, ...]]) -> list[str]:
    head = [f"| {' | '.join(grid.HEADINGS)} |", f"|{' --- |' * len(grid.HEADINGS)}"]
    return head + [f"| `{mark}` | {' | '.join(map(_escaped, cells))} |" for mark, *cells in rows]


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is, on one line, in a table too."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))
