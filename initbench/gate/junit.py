"""A report as JUnit XML, which every CI system can show: a suite, and a test case for each finding.

A regression is a failure, what could not be measured an error, and an inconclusive comparison passes with its reason in
``system-out``. The format is the one of Jenkins' schema (junit-10.xsd), which others read as well.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from initbench.gate import grid
from initbench.gate.findings import Finding, Mark, Report

_UNPRINTABLE = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report, seconds: float) -> bytes:
    """The XML document, in UTF-8. ``seconds`` is what the run took."""
    cases = [_case(report.name, finding) for finding in report.findings]
    if not cases:  # a file without a test case would read as a success
        cases = [_empty(report)]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
    }
    time = f"{seconds:.3f}"
    suites = ET.Element("testsuites", {"name": "initbench", "time": time, **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": _clean(report.name), "time": time, **counts, "skipped": "0"})
    suite.extend(cases)
    said = ET.SubElement(suite, "system-out")
    said.text = _clean("\n".join([report.sentence, *report.notes]))
    ET.indent(suites)
    return bytes(ET.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(name: str, finding: Finding) -> ET.Element:
    place = {"classname": _clean(f"{name}.{finding.scheme}"), "name": _clean(grid.title(finding)), "time": "0"}
    case = ET.Element("testcase", place)
    if finding.fails or finding.mark is Mark.UNMEASURED:
        tag = "failure" if finding.fails else "error"
        what = {"type": finding.kind.value, "message": _clean(finding.change or finding.text)}
        ET.SubElement(case, tag, what).text = _clean(finding.text)
    elif finding.changed:
        ET.SubElement(case, "system-out").text = _clean(finding.text)
    return case


def _empty(report: Report) -> ET.Element:
    case = ET.Element("testcase", {"classname": _clean(report.name), "name": "run", "time": "0"})
    ET.SubElement(case, "error", {"type": "run", "message": _clean(report.sentence)}).text = _clean(report.sentence)
    return case


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold."""
    return _UNPRINTABLE.sub("\ufffd", text)
