"""Exact findings: on the same versions and the same kind of machine, the same code gives the same bits.

A trial's digest covers every number that it recorded. Where it changed the arithmetic changed, which no statistics
are needed to see; whether that matters is what the other findings are for, so it is a warning unless exactness was
asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from initbench.analysis import wording
from initbench.gate.baseline import SAME_NUMBERS
from initbench.gate.findings import Finding, Kind, Mark, Tolerance
from initbench.gate.measured import Cell
from initbench.gate.metrics import title


def exact(pairs: Sequence[tuple[Cell, Cell]], tolerance: Tolerance) -> list[Finding]:
    """One finding for each scheme whose seeds the baseline has, too."""
    return [_finding(*pair, tolerance) for pair in pairs if set(pair[0].keys) & set(pair[1].keys)]


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """How the places where two runs happened differ, as far as it may change the last bits."""
    return [
        f"{name} {before.get(name)} before, {now.get(name)} now"
        for name in SAME_NUMBERS
        if before.get(name) != now.get(name)
    ]


def _finding(before: Cell, now: Cell, tolerance: Tolerance) -> Finding:
    old, new = (dict(zip(cell.keys, range(len(cell.seeds)), strict=True)) for cell in (before, now))
    shared = [key for key in now.keys if key in old and now.status[new[key]] != "failed"]
    changed = [key for key in shared if before.digests[old[key]] != now.digests[new[key]]]
    if changed:
        seed = changed[0]
        detail = _example(before, now, old[seed], new[seed])
        share = f"{len(changed)} of {wording.count(len(shared), 'trial')}"
        text = f"{now.label}: numerics changed in {share}; seed {seed[0]}: {detail}"
    else:
        text = f"{now.label}: every number of {wording.count(len(shared), 'trial')} is the same, bit for bit"
    return Finding(
        kind=Kind.EXACT,
        mark=(Mark.WORSE if tolerance.exact else Mark.UNCLEAR) if changed else Mark.SAME,
        scheme=now.label,
        what="numerics",
        before=before.digests[old[changed[0]]] if changed else "",
        now=now.digests[new[changed[0]]] if changed else "",
        change=f"changed in {len(changed)}/{len(shared)}" if changed else "",
        text=text,
        fails=bool(changed) and tolerance.exact,
    )


def _example(before: Cell, now: Cell, old: int, new: int) -> str:
    for metric, values in now.metrics.items():
        first, second = before.metrics[metric][old], values[new]
        if first != second:
            return f"{title(metric)} {_text(first)} before, {_text(second)} now"
    return "its metrics agree to nine digits"


def _text(value: float | None) -> str:
    return "none" if value is None else f"{value:.9g}"
