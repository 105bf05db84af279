"""What GitHub shows of a report: an annotation for each finding that matters, and the summary of the step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from initbench.gate import grid
from initbench.gate.findings import Finding, Mark, Report, most_telling

MOST = 10  # of each level; GitHub shows no more of one step


def runs_there(environment: Mapping[str, str]) -> bool:
    """Whether this process is a step of a GitHub workflow."""
    return environment.get("GITHUB_ACTIONS") == "true"


def workflow_commands(report: Report, file: str | None) -> Iterator[str]:
    """Workflow commands, a line each: errors for what fails, warnings for what is inconclusive."""
    told = most_telling(report.findings)
    errors = [finding for finding in told if finding.fails or finding.mark is Mark.UNMEASURED]
    warnings = [finding for finding in told if finding.warns]
    for level, findings in (("error", errors), ("warning", warnings)):
        yield from (_command(level, finding, file) for finding in findings[:MOST])
    if not report.findings:
        yield f"::error title=initbench::{_data(report.sentence)}"


def _command(level: str, finding: Finding, file: str | None) -> str:
    properties = {"title": f"{finding.scheme}: {grid.title(finding)}", **({"file": file} if file else {})}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {listed}::{_data(finding.text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
