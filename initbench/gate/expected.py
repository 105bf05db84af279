"""Expected findings: what a config states of its schemes, without any baseline."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from initbench.analysis import cells, outcomes, wording
from initbench.expectation import Expectation, satisfies
from initbench.gate.findings import Finding, Kind, Mark
from initbench.gate.metrics import STEPS, title
from initbench.records import FAILED, Results


def expected(results: Results, expectations: Mapping[str, Expectation]) -> list[Finding]:
    """One finding for each expectation, in each setting of the sweep."""
    if not expectations:
        return []
    trials = outcomes.trials(results)
    return [
        finding
        for setting, table in cells.by_setting(trials, results.manifest.axes)
        for scheme, expectation in expectations.items()
        for finding in _of_scheme(table, scheme, setting, expectation)
    ]


def _of_scheme(table: pd.DataFrame, scheme: str, setting: str, expectation: Expectation) -> Iterator[Finding]:
    label = ", ".join(filter(None, [scheme, setting]))
    rows = table[(table[cells.SCHEME] == scheme) & (table["status"] != FAILED)]
    if rows.empty:
        return
    for metric, limit in expectation.limits.items():
        value = _median(rows, metric)
        yield _finding(label, metric, limit, _shown(metric, value), satisfies(value, limit))
    if expectation.reached is not None:
        reached, seeds = int(np.isfinite(rows[STEPS]).sum()), len(rows)
        least = {"all": seeds, "most": seeds // 2 + 1}.get(str(expectation.reached), expectation.reached)
        kept = reached == 0 if least == "none" else reached >= int(least)
        yield _finding(label, "reached", str(expectation.reached), f"{reached}/{seeds}", kept)
    if expectation.state is not None:
        state = outcomes.schemes(rows, (cells.SCHEME,))["state"].iloc[0]
        yield _finding(label, "state", expectation.state, str(state), state == expectation.state)
    if expectation.faster_than is not None:
        other = table[(table[cells.SCHEME] == expectation.faster_than) & (table["status"] != FAILED)]
        yield from _faster(label, rows, other, expectation) if len(other) else ()


def _faster(label: str, rows: pd.DataFrame, other: pd.DataFrame, expectation: Expectation) -> Iterator[Finding]:
    """By median steps; a scheme that reaches the target is faster than one that does not, by any factor."""
    own, others = _median(rows, STEPS), _median(other, STEPS)
    factor = expectation.by or 1.0
    kept = own < others if factor == 1 else own < math.inf and factor * own <= others
    wanted = f"{'' if factor == 1 else f'{factor:g}× '}faster than {expectation.faster_than}"
    yield _finding(label, "faster_than", wanted, f"{wording.steps(own)}, {wording.steps(others)}", kept)


def _median(rows: pd.DataFrame, metric: str) -> float:
    """The median over the trials; one that has no value is worse than any."""
    worst = -math.inf if metric.endswith("accuracy") else math.inf
    return float(rows[metric].astype(float).fillna(worst).median()) if metric in rows else math.nan


def _shown(metric: str, value: float) -> str:
    return wording.steps(value) if metric == STEPS else wording.significant(value)


def _finding(label: str, what: str, wanted: str, found: str, kept: bool) -> Finding:
    return Finding(
        kind=Kind.EXPECTED,
        mark=Mark.SAME if kept else Mark.WORSE,
        scheme=label,
        what=what,
        before=wanted,
        now=found,
        change="" if kept else "not as expected",
        text=f"{label}: {title(what)} expected {wanted}, found {found}",
        fails=not kept,
    )
