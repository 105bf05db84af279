"""Statistical findings: worse beyond the margin and beyond noise, scheme by scheme and metric by metric.

A change is a regression if the estimated ratio exceeds the margin and its p-value, corrected by Holm over every
scheme, metric and count of the check, is at most 0.5 %; so at most every 200th check of unchanged code fails by
chance, however many schemes it has. It is inconclusive if the 95 % interval reaches beyond the margin all the same. A
run that missed the target counts its whole budget of steps, which makes a ratio a bound.

Reaching the target, and finishing at all, are counted (``counts``). A target that every seed reached and none reaches
now, or runs that all finished and none now, have a bound of their own, at which each of the two errs in no more than
0.5 % of the checks either.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from initbench.analysis import wording
from initbench.analysis.signflip import holm
from initbench.gate.contrast import FALSE_ALARMS, Contrast, contrast
from initbench.gate.counts import REACHED, Count, counted
from initbench.gate.counts import finding as counts_finding
from initbench.gate.findings import Finding, Kind, Mark, Tolerance
from initbench.gate.measured import Cell
from initbench.gate.metrics import ACCURACY, METRICS, STEPS, cost, hidden_spread, title

DEFAULT_METRICS = (STEPS, "loss_area", "final_train_loss", ACCURACY)
REGRESSION_METRICS = (STEPS, "loss_area", "final_train_loss", "final_test_loss")

Pair = tuple[Cell, Cell]
"""A cell of the baseline, and that of the run."""


@dataclass(frozen=True)
class _Compared:
    cell: Cell
    metric: str
    before: str
    now: str
    contrast: Contrast
    bound: str


def statistical(pairs: Sequence[Pair], step_grid: float, tolerance: Tolerance) -> list[Finding]:
    """The findings of every scheme and metric, in the order of the schemes."""
    compared = [found for pair in pairs for found in _compared(*pair, step_grid, tolerance, len(pairs))]
    counts = [count for pair in pairs for count in counted(*pair)]
    enough = FALSE_ALARMS / max(1, len(compared))
    beyond = _beyond_chance(
        [
            *((each.contrast.p_worse, each.contrast.p_better) for each in compared),
            *(count.p_values if count.least_p_value <= enough else (math.nan, math.nan) for count in counts),
        ]
    )
    findings = [_finding(each, sides, tolerance) for each, sides in zip(compared, beyond, strict=False)]
    told = [
        counts_finding(count, (True, True) if count.is_certain(len(pairs)) else sides, tolerance)
        for count, sides in zip(counts, beyond[len(compared) :], strict=True)
    ]
    told = [each for each in told if each.what == REACHED or each.changed]
    order = {cell.label: index for index, (_, cell) in enumerate(pairs)}
    return sorted([*told, *findings], key=lambda finding: order[finding.scheme])


def metrics_of(cell: Cell, asked: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """The metrics that are compared: those asked for, or the usual ones of the task."""
    if asked is not None:
        return tuple(metric for metric in METRICS if metric in asked)
    has_accuracy = any(value is not None for value in cell.metrics[ACCURACY])
    return DEFAULT_METRICS if has_accuracy else REGRESSION_METRICS


def _beyond_chance(p_values: Sequence[tuple[float, float]]) -> list[tuple[bool, bool]]:
    """For each (worse, better), whether it is, corrected for all; a NaN takes no part."""
    sides = ([p <= FALSE_ALARMS for p in holm(side)] for side in zip(*p_values, strict=True))
    return list(zip(*sides, strict=True))


def _compared(before: Cell, now: Cell, step_grid: float, tolerance: Tolerance, cells: int) -> Iterator[_Compared]:
    for metric in metrics_of(before, tolerance.metrics):
        if metric == STEPS and not before.reached and not now.reached:
            continue
        old, new = _costs(before, metric), _costs(now, metric)
        hidden = hidden_spread(metric, _mean(old, new), step_grid) if old or new else 0.0
        found = contrast(old, new, hidden)
        if found is not None:
            bound = ""
            if metric == STEPS:
                found = _no_surer_than_the_count(found, next(counted(before, now)), cells)
                bound = _bound(before.reached < len(before.seeds), now.reached < len(now.seeds) - now.failed)
            yield _Compared(now, metric, _shown(before, metric), _shown(now, metric), found, bound)


def _no_surer_than_the_count(found: Contrast, reached: Count, cells: int) -> Contrast:
    """Where all of one side missed, its steps are the budget and have no spread: they tell what the count tells."""
    if not reached.is_total or reached.is_certain(cells):
        return found
    least = reached.chance_of_total
    return replace(found, p_worse=max(found.p_worse, least), p_better=max(found.p_better, least))


def _mean(*sides: dict[tuple[int, int], float]) -> float:
    """The mean cost over all trials of some sides."""
    values = [value for side in sides for value in side.values()]
    return math.fsum(values) / len(values)


def _costs(cell: Cell, metric: str) -> dict[tuple[int, int], float]:
    """The costs of the trials that have the metric; of ``steps_to_target`` a miss has its budget."""
    values = dict(zip(cell.keys, cell.metrics[metric], strict=True))
    if metric == STEPS:
        status = dict(zip(cell.keys, cell.status, strict=True))
        full = {
            key: cell.budget if value is None else value for key, value in values.items() if status[key] != "failed"
        }
    else:
        full = {key: value for key, value in values.items() if value is not None}
    return dict(zip(full, cost(metric, list(full.values())), strict=True))


def _finding(each: _Compared, beyond: tuple[bool, bool], tolerance: Tolerance) -> Finding:
    found, name = each.contrast, title(each.metric)
    limit = 1 + tolerance.margin
    worse, better = beyond
    if worse and found.ratio > limit:
        mark, verdict = Mark.WORSE, "is worse"
    elif better and found.ratio < 1 / limit:
        mark, verdict = Mark.BETTER, "is better"
    elif found.high > limit and found.ratio != 1:
        mark, verdict = Mark.UNCLEAR, "is too uncertain to tell"
    else:
        mark, verdict = Mark.SAME, "is the same"
    subject = "the error, 1 - accuracy" if each.metric == ACCURACY else "its value"
    if found.spread_known:
        interval = f"95 % CI {_times(found.low)} to {_times(found.high)}"
    else:
        interval = "one seed cannot tell chance from change"
    seeds = wording.count(found.seeds, "paired seed" if found.paired else "seed") + (
        "" if found.paired else " on either side"
    )
    text = (
        f"{each.cell.label}: {name} {verdict}, {each.before} before and {each.now} now; {subject} is "
        f"{each.bound}{_times(found.ratio)} that of the baseline ({interval}, {seeds})"
    )
    return Finding(
        kind=Kind.STATISTICAL,
        mark=mark,
        scheme=each.cell.label,
        what=each.metric,
        before=each.before,
        now=each.now,
        change=f"{each.bound}{_times(found.ratio)} ({_times(found.low)} to {_times(found.high)})",
        text=text,
        fails=mark is Mark.WORSE or (mark is Mark.UNCLEAR and tolerance.strict),
    )


def _bound(missed_before: bool, missed_now: bool) -> str:
    if missed_before and missed_now:
        return "about "
    return "at most " if missed_before else "at least " if missed_now else ""


def _shown(cell: Cell, metric: str) -> str:
    """The median over the seeds, as a reader knows the metric."""
    values = sorted(math.inf if value is None else value for value in cell.metrics[metric])
    if metric != STEPS:
        values = [value for value in values if value < math.inf]
    if not values:
        return wording.MISSING
    middle = len(values) // 2
    median = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
    if metric == STEPS:
        return wording.steps(median)
    return f"{wording.percent(median)}%" if metric.endswith("accuracy") else wording.significant(median)


def _times(ratio: float) -> str:
    return f"{wording.significant(ratio)}×"
