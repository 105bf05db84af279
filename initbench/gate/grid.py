"""The table of a report, as texts: what the terminal and the Markdown summary both show."""

from __future__ import annotations

from collections.abc import Iterator

from initbench.gate.findings import Finding, Kind, Mark, Report

LEGEND = "+ better   - worse   = same   ~ inconclusive   ! could not measure"

_WHAT = {
    "preact_variance": "signal: pre-activation variance",
    "grad_variance": "signal: gradient variance",
    "numerics": "numerics",
}


def rows(report: Report, *, only_changed: bool) -> list[tuple[Finding, tuple[str, ...]]]:
    """The findings to show, each with its cells."""
    return [(finding, tuple(_cells(finding))) for finding in report.findings if finding.changed or not only_changed]


def headings(report: Report) -> tuple[str, ...]:
    """Of the columns. An expectation is no earlier run."""
    kinds = {finding.kind is Kind.EXPECTED for finding in report.findings}
    held_to = {(True,): "expected", (False, True): "before or expected"}.get(tuple(sorted(kinds)), "before")
    return "", "scheme", "metric", held_to, "now", "change"


def title(finding: Finding) -> str:
    """What was looked at, in words."""
    name = _WHAT.get(finding.what, finding.what.replace("_", " "))
    return f"expected: {name}" if finding.kind is Kind.EXPECTED else name


def _cells(finding: Finding) -> Iterator[str]:
    yield finding.mark.value
    yield finding.scheme
    yield title(finding)
    same = finding.mark is Mark.SAME
    yield "every bit" if finding.kind is Kind.EXACT and same else finding.before
    yield "the same" if finding.kind is Kind.EXACT and same else finding.now
    yield finding.change
