"""From a run and what it is held to, to a report."""

from __future__ import annotations

from collections.abc import Mapping

from initbench.analysis import cells, wording
from initbench.expectation import Expectation
from initbench.gate.baseline import Baseline, origin
from initbench.gate.exact import differences, exact
from initbench.gate.expected import expected
from initbench.gate.findings import Finding, Kind, Mark, Report, Tolerance
from initbench.gate.measured import Cell, measured, step_grid
from initbench.gate.signal import signal
from initbench.gate.statistical import statistical
from initbench.records import FAILED, Results


def judge(
    results: Results, baseline: Baseline | None, expectations: Mapping[str, Expectation], tolerance: Tolerance
) -> Report:
    """Hold a run to a baseline of the same config, if there is one, and to what the config expects."""
    found = measured(results) if len(results.records.outcomes) else ()
    findings: list[Finding] = []
    notes: list[str] = list(results.problems)
    if baseline is not None:
        before = baseline.cells
        pairs = [(before[cell.place], cell) for cell in found if cell.place in before and cell.failed < len(cell.seeds)]
        findings += statistical(pairs, step_grid(results), tolerance) + signal(pairs)
        elsewhere = differences(baseline.provenance, origin(results.provenance))
        if elsewhere and not tolerance.exact:
            notes.append(
                f"numbers may differ in the last bits, so they are not compared exactly: {'; '.join(elsewhere)}"
            )
        else:
            notes += [f"compared exactly in spite of {'; '.join(elsewhere)}"] if elsewhere else []
            findings += exact(pairs, tolerance)
    findings += expected(results, expectations)
    why = _reasons(results) if found else {}
    findings += [_unmeasured(cell, why.get(cell.place)) for cell in found if cell.failed]
    order = {cell.label: index for index, cell in enumerate(found)}
    findings.sort(key=lambda finding: order.get(finding.scheme, len(order)))
    return Report(
        name=results.manifest.name,
        findings=tuple(findings),
        trials=len(results.manifest.trials),
        failed=len(results.manifest.trials) - sum(len(cell.seeds) - cell.failed for cell in found),
        seeds=max((len(set(cell.seeds)) for cell in found), default=0),
        notes=tuple(notes),
    )


def _reasons(results: Results) -> dict[tuple[str, str], str]:
    """Why trials failed, by scheme and setting: the first reason of each."""
    table, axes = results.records.outcomes, results.manifest.axes
    failed = table[table["status"] == FAILED].reindex(columns=[*axes, "reason"]).dropna(subset="reason")
    return {
        (str(scheme), setting): str(rows["reason"].iloc[0])
        for setting, part in cells.by_setting(failed, axes)
        for scheme, rows in part.groupby(cells.SCHEME, sort=False)
    }


def _unmeasured(cell: Cell, why: str | None) -> Finding:
    lost = f"{cell.failed} of {wording.count(len(cell.seeds), 'trial')} failed"
    return Finding(
        kind=Kind.STATISTICAL,
        mark=Mark.UNMEASURED,
        scheme=cell.label,
        what="trials",
        before=str(len(cell.seeds)),
        now=str(len(cell.seeds) - cell.failed),
        change="could not measure",
        text=f"{cell.label}: {lost}{f': {why}' if why else ''}",
    )
