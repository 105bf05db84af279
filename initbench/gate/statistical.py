"""Statistical findings: worse beyond the margin and beyond noise, scheme by scheme and metric by metric.

A change is a regression if the estimated ratio exceeds the margin and its p-value, corrected by Holm over every
scheme and metric of the check, is at most 0.5 %; so at most every 200th check of unchanged code fails by chance,
however many schemes it has. It is inconclusive if the 95 % interval reaches beyond the margin all the same. A run
that missed the target counts its whole budget of steps, which makes a ratio a bound.

Reaching the target, and finishing at all, are counted: a regression is all of the seeds before and none now, or a
difference in numbers that Fisher's exact test finds beyond chance.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from initbench.analysis import wording
from initbench.gate.contrast import Contrast, contrast, holm
from initbench.gate.findings import Finding, Kind, Mark, Tolerance
from initbench.gate.measured import Cell
from initbench.gate.metrics import ACCURACY, METRICS, STEPS, cost, hidden_spread, title

FALSE_ALARMS = 0.005
"""The share of checks of unchanged code that may fail by chance on this kind of finding."""

DEFAULT_METRICS = (STEPS, "loss_area", "final_train_loss", ACCURACY)
REGRESSION_METRICS = (STEPS, "loss_area", "final_train_loss", "final_test_loss")
COUNTS = ("reached", "finished")

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


def statistical(
    pairs: Sequence[Pair], step_grid: float, tolerance: Tolerance, grace: float = FALSE_ALARMS
) -> list[Finding]:
    """The findings of every scheme and metric, in the order of the schemes."""
    compared = [found for pair in pairs for found in _compared(*pair, step_grid, tolerance)]
    worse = holm([each.contrast.p_worse for each in compared])
    better = holm([each.contrast.p_better for each in compared])
    metrics = [
        _finding(each, (down <= grace, up <= grace), tolerance)
        for each, down, up in zip(compared, worse, better, strict=True)
    ]
    counts = [found for pair in pairs for found in _counts(*pair, grace / max(1, len(pairs)), tolerance)]
    order = {cell.label: index for index, (_, cell) in enumerate(pairs)}
    return sorted([*counts, *metrics], key=lambda finding: order[finding.scheme])


def metrics_of(cell: Cell, asked: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """The metrics that are compared: those asked for, or the usual ones of the task."""
    if asked is not None:
        return tuple(metric for metric in METRICS if metric in asked)
    has_accuracy = any(value is not None for value in cell.metrics[ACCURACY])
    return DEFAULT_METRICS if has_accuracy else REGRESSION_METRICS


def _compared(before: Cell, now: Cell, step_grid: float, tolerance: Tolerance) -> Iterator[_Compared]:
    for metric in metrics_of(before, tolerance.metrics):
        if metric == STEPS and not before.reached and not now.reached:
            continue
        old, new = _costs(before, metric), _costs(now, metric)
        hidden = hidden_spread(metric, _mean(old, new), step_grid) if old or new else 0.0
        found = contrast(old, new, hidden)
        if found is not None:
            missed = metric == STEPS
            bound = _bound(
                missed and before.reached < len(before.seeds), missed and now.reached < len(now.seeds) - now.failed
            )
            yield _Compared(now, metric, _shown(before, metric), _shown(now, metric), found, bound)


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


def _counts(before: Cell, now: Cell, grace: float, tolerance: Tolerance) -> Iterator[Finding]:
    """How many trials finished and reached the target, as far as it changed."""
    sides = {
        "reached": ((before.reached, len(before.seeds)), (now.reached, len(now.seeds) - now.failed)),
        "finished": (
            (before.status.count("finished"), len(before.seeds)),
            (now.status.count("finished"), len(now.seeds) - now.failed),
        ),
    }
    for what, ((old, olds), (new, news)) in sides.items():
        if not news:
            continue
        mark = _count_mark((old, olds), (new, news), grace)
        shown = f"{old}/{olds}", f"{new}/{news}"
        if what == "finished" and mark is Mark.SAME:
            continue
        words = "reached the target" if what == "reached" else "finished without diverging"
        yield Finding(
            kind=Kind.STATISTICAL,
            mark=mark,
            scheme=now.label,
            what=what,
            before=shown[0],
            now=shown[1],
            change="" if mark is Mark.SAME else f"{new - old:+d}" if olds == news else f"of {news}, not {olds}",
            text=f"{now.label}: {new} of {wording.count(news, 'seed')} {words}, {old} of {olds} before",
            fails=mark is Mark.WORSE or (mark is Mark.UNCLEAR and tolerance.strict),
        )


def _count_mark(before: tuple[int, int], now: tuple[int, int], grace: float) -> Mark:
    from scipy.stats import fisher_exact

    (old, olds), (new, news) = before, now
    share, share_before = new / news, old / olds
    if share == share_before:
        return Mark.SAME
    table = np.array([[old, olds - old], [new, news - new]])
    worse = share < share_before
    p_value = float(fisher_exact(table, alternative="greater" if worse else "less").pvalue)
    certain = p_value <= grace or (share_before, share) in {(1.0, 0.0), (0.0, 1.0)}
    if not certain:
        return Mark.UNCLEAR if worse else Mark.SAME
    return Mark.WORSE if worse else Mark.BETTER


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
