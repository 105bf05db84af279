"""Claims: one sentence for each contrast, as strong as its seeds allow and no stronger.

The faster scheme is the subject, whichever of the two is the reference. A difference that the exact test does not show
after correction is said not to be shown; where no outcome could have shown it, that there are too few seeds to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from initbench.analysis import cells, contrasts, wording
from initbench.analysis.contrasts import AT_LEAST, AT_MOST, NOT_SHOWN, SHOWN, STEPS, WITHIN_BUDGET
from initbench.analysis.signflip import ALPHA
from initbench.records import Manifest

_NO_SEEDS = "have no measured seed in common"


@dataclass(frozen=True)
class _Claim:
    """A contrast told from the side of the one that did better."""

    subject: str
    other: str
    estimate: float
    low: float
    high: float
    bound: str
    other_missed: int


def claims(table: pd.DataFrame, manifest: Manifest) -> tuple[str, ...]:
    """The sentences on a table of ``contrasts.contrasts``, one per setting and scheme."""
    target = wording.target(manifest.target_metric, manifest.target_value)
    return tuple(_sentences(table, manifest, target))


def _sentences(table: pd.DataFrame, manifest: Manifest, target: str) -> Iterator[str]:
    final = f"final_{manifest.target_metric}"
    for name, rows in cells.by_setting(table, manifest.axes) if len(table) else ():
        where = f"{'In' if cells.is_side_by_side(manifest.axes) else 'At'} {name}: " if name else ""
        for _, pair in rows.groupby("init", sort=False):
            by_metric: dict[str, Mapping[Any, Any]] = {str(row["metric"]): row for row in pair.to_dict("records")}
            steps = by_metric[STEPS]
            if name and not steps["seeds"]:
                continue  # only one of the two was tried here, as in a search over the depth
            by_final = not contrasts.judged_by_steps(steps)
            yield where + (_by_final(by_metric[final], target) if by_final else _by_steps(steps, target)) + "."


def _by_steps(row: Mapping[Any, Any], target: str) -> str:
    if not row["pairs"]:
        return f"{row['init']} and {row['reference']} {_NO_SEEDS}"
    claim = _faster(row)
    how = f"{claim.bound} " if claim.bound in {AT_MOST, AT_LEAST} else ""
    counted = ", a miss counting its whole budget"
    if row["decision"] == NOT_SHOWN:
        return (
            f"{claim.subject} and {claim.other} do not differ beyond chance in steps to {target}: {how}"
            f"{_ratio(claim.estimate)} ({_interval(row, _ratio_ends(claim))}{counted if claim.bound else ''})"
            f"{_correction(row)}"
        )
    which = ""
    if claim.other_missed:
        never = claim.other_missed == row["runs"]
        which = ", which never did" if never else f", which missed it in {claim.other_missed} of {row['runs']}"
    misses = counted if claim.bound == WITHIN_BUDGET else ""
    return (
        f"{claim.subject} reached {target} in {how}{_ratio(claim.estimate)} the steps of {claim.other}{which} "
        f"({_interval(row, _ratio_ends(claim))}{misses}){_doubt(row)}"
    )


def _by_final(row: Mapping[Any, Any], target: str) -> str:
    metric = str(row["metric"]).replace("_", " ")
    reached = _reached(row, target)
    if not row["pairs"]:
        return reached
    subject = row["init"]
    ends = f"{_signed(row['low'], metric)} to {_signed(row['high'], metric)}"
    shown = f"{_signed(row['estimate'], metric)} against {row['reference']} ({_interval(row, ends)})"
    if row["decision"] == NOT_SHOWN:
        return f"{reached}; their {metric} does not differ beyond chance: {subject} {shown}{_correction(row)}"
    return f"{reached}; {metric} of {subject}: {shown}{_doubt(row)}"


def _reached(row: Mapping[Any, Any], target: str) -> str:
    """How often either side reached the target, where both did in no run."""
    arrived = {row["init"]: row["runs"] - row["missed"], row["reference"]: row["runs"] - row["reference_missed"]}
    if not any(arrived.values()):
        return f"Neither {row['init']} nor {row['reference']} reached {target}"
    first, second = sorted(arrived, key=lambda name: -arrived[name])
    of = f"{row['runs']} {'seed' if row['runs'] == row['seeds'] else 'run'}{'s' if row['runs'] > 1 else ''}"
    other = f"{second} in {arrived[second]}, never for the same" if arrived[second] else f"{second} in none"
    return f"{first} reached {target} in {arrived[first]} of {of}, {other}"


def _faster(row: Mapping[Any, Any]) -> _Claim:
    if row["estimate"] <= 1:
        ends = (row["estimate"], row["low"], row["high"])
        return _Claim(row["init"], row["reference"], *ends, row["bound"], row["reference_missed"])
    ends = (1 / row["estimate"], 1 / row["high"], 1 / row["low"])
    turned = {AT_MOST: AT_LEAST, AT_LEAST: AT_MOST}.get(row["bound"], row["bound"])
    return _Claim(row["reference"], row["init"], *ends, turned, row["missed"])


def _doubt(row: Mapping[Any, Any]) -> str:
    if row["decision"] == SHOWN:
        return ""
    among = f" among {row['comparisons']} comparisons" if row["comparisons"] > 1 else ""
    return f"; too few seeds to say{among}, {row['needed']} can decide"


def _correction(row: Mapping[Any, Any]) -> str:
    """For a p-value that would have passed alone."""
    if row["p"] > ALPHA:
        return ""
    return f"; corrected for {row['comparisons']} comparisons, p = {wording.significant(row['p_holm'], 2)}"


def _interval(row: Mapping[Any, Any], ends: str) -> str:
    seeds = wording.count(row["pairs"], "paired seed")
    if row["pairs"] == 1:
        return "1 paired seed"
    if row["level"] < 1 - ALPHA:
        return f"{ends} over {seeds}"
    return f"95 % CI {ends}, {seeds}"


def _ratio_ends(claim: _Claim) -> str:
    if claim.bound == AT_MOST:
        return f"up to {wording.significant(claim.high, 2)}"
    if claim.bound == AT_LEAST:
        return f"from {wording.significant(claim.low, 2)}"
    return f"{wording.significant(claim.low, 2)} to {wording.significant(claim.high, 2)}"


def _ratio(value: float) -> str:
    return f"{wording.significant(value, 2)}×"


def _signed(value: float, metric: str) -> str:
    if math.isnan(value):
        return wording.MISSING
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    if metric.endswith("accuracy"):
        return f"{sign}{wording.percent(abs(value))} points"
    return f"{sign}{wording.significant(abs(value), 2)}"
