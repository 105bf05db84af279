"""A report for programs: what ``initbench check --json`` prints."""

from __future__ import annotations

import json
from typing import Any

from initbench.gate.findings import Report


def summary(report: Report) -> dict[str, Any]:
    """The findings as plain data."""
    return {
        "name": report.name,
        "exit_code": report.exit_code,
        "trials": report.trials,
        "failed": report.failed,
        "findings": [
            {
                "kind": finding.kind.value,
                "mark": finding.mark.value,
                "scheme": finding.scheme,
                "metric": finding.what,
                "before": finding.before,
                "now": finding.now,
                "change": finding.change,
                "fails": finding.fails,
                "text": finding.text,
            }
            for finding in report.findings
        ],
        "notes": list(report.notes),
        "sentence": report.sentence,
    }


def as_json(report: Report) -> str:
    """``summary`` as one line-broken JSON object."""
    return json.dumps(summary(report), indent=2, ensure_ascii=False)
