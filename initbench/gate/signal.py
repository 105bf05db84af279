"""Signal findings: the variances of every layer before training, forward and backward, held to those of the baseline.

Variances at step 0 are what an initialization decides, and they move long before a loss does. Each layer's is
compared over the seeds by the logarithm; a change counts if it exceeds 10 % and its p-value, corrected by Holm over
all layers, schemes and both directions, is at most 0.5 %. Either sign is a change: there is no better or worse of a
scale, only another than the one agreed upon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from initbench.analysis import wording
from initbench.analysis.signflip import holm
from initbench.gate.contrast import FALSE_ALARMS, Contrast, contrast
from initbench.gate.findings import Finding, Kind, Mark
from initbench.gate.measured import SIGNALS, Cell, Values

MARGIN = 0.1
LEAST = 1e-300  # zero as a logarithm

OVERFLOW = Contrast(math.inf, math.inf, math.inf, p_worse=0.0, p_better=1.0, seeds=0, paired=False)

_WORDS = {"preact_variance": "pre-activation variance", "grad_variance": "gradient variance"}


@dataclass(frozen=True)
class _Layer:
    cell: Cell
    signal: str
    name: str
    before: float
    now: float
    contrast: Contrast


def signal(pairs: Sequence[tuple[Cell, Cell]]) -> list[Finding]:
    """One finding for each scheme and direction, which names the layers that changed."""
    layers = [layer for pair in pairs for layer in _layers(*pair)]
    corrected = holm([min(1.0, 2 * min(each.contrast.p_worse, each.contrast.p_better)) for each in layers])
    changed = [
        p <= FALSE_ALARMS and not 1 / (1 + MARGIN) <= each.contrast.ratio <= 1 + MARGIN
        for each, p in zip(layers, corrected, strict=True)
    ]
    found = []
    for _, cell in pairs:
        for kind in SIGNALS:
            own = [
                (each, off)
                for each, off in zip(layers, changed, strict=True)
                if each.cell is cell and each.signal == kind
            ]
            if own:
                found.append(_finding(cell, kind, [each for each, _ in own], [each for each, off in own if off]))
    return found


def _layers(before: Cell, now: Cell) -> Iterator[_Layer]:
    for name in now.layers.keys() & before.layers.keys():
        for kind in SIGNALS:
            old = _logs(before, before.layers[name][kind])
            new = _logs(now, now.layers[name][kind])
            # a variance that was finite in every seed and now overflows is no matter of statistics
            lost = len(old) == len(before.seeds) and len(new) < len(now.seeds) - now.failed
            found = OVERFLOW if lost else contrast(old, new, 0.0)
            if found is not None:
                yield _Layer(now, kind, name, _mean(old), math.inf if lost else _mean(new), found)


def _logs(cell: Cell, values: Values) -> dict[tuple[int, int], float]:
    pairs = zip(cell.keys, values, strict=True)
    return {key: math.log(max(value, LEAST)) for key, value in pairs if value is not None}


def _mean(logs: dict[tuple[int, int], float]) -> float:
    """The geometric mean."""
    mean = math.fsum(logs.values()) / len(logs)
    return 0.0 if mean <= math.log(LEAST) + 1 else math.exp(mean)


def _finding(cell: Cell, kind: str, layers: Sequence[_Layer], changed: Sequence[_Layer]) -> Finding:
    order = {name: index for index, name in enumerate(cell.layers)}
    ordered = sorted(changed or layers, key=lambda layer: order[layer.name])
    # backward the trouble starts at the output
    shown = ordered[-1] if changed and kind == "grad_variance" else ordered[0]
    far = max(ordered, key=lambda layer: abs(math.log(layer.contrast.ratio)))
    if changed:
        where = shown.name if len(changed) == 1 else f"{len(changed)} of {len(layers)} layers, {shown.name} first"
        text = (
            f"{cell.label}: {_WORDS[kind]} at step 0 left its range in {where}: "
            f"{wording.variance(shown.before)} before, {_number(shown.now)} now ({_times(shown)}); "
            f"farthest off is {far.name} ({_times(far)})"
        )
    else:
        text = f"{cell.label}: {_WORDS[kind]} at step 0 is in its range in all {len(layers)} layers"
    return Finding(
        kind=Kind.SIGNAL,
        mark=Mark.WORSE if changed else Mark.SAME,
        scheme=cell.label,
        what=kind,
        before=f"{wording.variance(shown.before)} in {shown.name}",
        now=f"{_number(shown.now)} in {shown.name}",
        change=f"{_times(far)} in {far.name}" if changed else "",
        text=text,
        fails=bool(changed),
    )


def _number(value: float) -> str:
    return "not finite" if math.isinf(value) else wording.variance(value)


def _times(layer: _Layer) -> str:
    return "not finite" if layer.contrast is OVERFLOW else f"{wording.significant(layer.contrast.ratio)}×"
