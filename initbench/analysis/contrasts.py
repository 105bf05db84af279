"""Contrasts: each scheme against a reference, seed by seed, within each setting of the sweep.

A pair is one weight seed in both schemes: the same draws, scaled differently, and the same batches. Where data seeds
are crossed with weight seeds, the difference of a pair is its mean over the data seeds, since runs that share weights
are not independent.

*Steps to the target* are compared as a ratio, through the mean difference of their logarithms: the geometric mean of
the paired ratios. A run that missed the target counts its whole budget of steps, which makes the ratio a bound:
``at most`` where only the reference missed, ``at least`` where only the scheme did. *Final metrics* are compared as
differences (scheme less reference) over the pairs that both finished; a diverged loss is neither averaged nor replaced.

Where no pair of runs has both arrived, the budget is all that the ratio tells, and it makes a run that came in at the
last step the equal of one that never did. If all runs of such a contrast finished, it is *judged* by the final metric
of the target instead. Which of the two it is depends on pairs as such, not on which side of a pair did what, so every
sign flip of the differences leads to the same choice, and the test remains exact.

p-values are corrected (Holm) over the schemes of one setting and metric, where the metric of a contrast is the one that
it is judged by; intervals are those of one contrast alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from initbench.analysis import cells, signflip, wording
from initbench.errors import InitbenchError
from initbench.records import FAILED, Manifest

STEPS = "steps_to_target"
FINALS = ("final_train_loss", "final_test_loss", "final_test_accuracy")
METRICS = (STEPS, *FINALS)

SHOWN, NOT_SHOWN, TOO_FEW, NOTHING = "shown", "not shown", "too few seeds", "nothing to compare"
AT_MOST, AT_LEAST, WITHIN_BUDGET = "at most", "at least", "within the budget"

COLUMNS = (
    *("init", "reference", "metric", "seeds", "runs", "pairs", "missed", "reference_missed"),
    *("estimate", "low", "high", "level", "bound", "p", "p_holm", "comparisons", "needed", "decision"),
)

_SETTING = "_setting"
_PLACE = [_SETTING, cells.SCHEME]

Place = tuple[int, str]
"""The number of a setting, and a scheme."""


def contrasts(trials: pd.DataFrame, manifest: Manifest, reference: str) -> pd.DataFrame:
    """One row per setting, scheme other than the reference, and metric; see ``docs/records.md``.

    ``estimate``, ``low`` and ``high`` are ratios for ``steps_to_target`` and differences for the rest; ``level`` is
    that of the interval; ``pairs`` counts the seeds compared, of ``seeds`` that both schemes have, in ``runs`` runs
    each; ``missed`` counts those that did not reach the target. ``decision`` is ``shown`` where the corrected p-value
    is at most 0.05, ``too few seeds`` where no outcome could have made it so, with ``needed`` the number that could,
    and else ``not shown``; ``nothing to compare`` where there is no pair, and of steps that the contrast is not judged
    by (see ``judged_by_steps``), which are a bound without an interval.
    """
    final = f"final_{manifest.target_metric}"
    swept = cells.swept(manifest.axes)
    numbered = trials.assign(**{_SETTING: cells.setting_numbers(trials, manifest.axes)})
    others = numbered[numbered[cells.SCHEME] != reference].drop_duplicates(_PLACE)
    both = _pairs(numbered, reference)
    places = [(int(setting), str(name)) for setting, name in zip(others[_SETTING], others[cells.SCHEME], strict=True)]
    counts = _counts(both, places, final)
    tested = {metric: _tested(both, metric, counts) for metric in METRICS}
    rows: list[dict[str, Any]] = []
    for _, schemes in others.groupby(_SETTING, sort=False):
        setting = int(schemes[_SETTING].iloc[0])
        place = {axis: schemes[axis].iloc[0] for axis in swept}
        found = {}
        for metric in METRICS:
            named = {"reference": reference, "metric": metric}
            found[metric] = [
                {**place, "init": name, **named, **tested[metric][setting, str(name)]} for name in schemes[cells.SCHEME]
            ]
        rows += _judged(found, final)
    return pd.DataFrame(rows, columns=[*swept, *COLUMNS])


def judged_by_steps(row: Mapping[Any, Any]) -> bool:
    """Whether a contrast is judged by its steps to the target, given their row, rather than by the final metric."""
    return bool(not row["seeds"] or row["decision"] != NOTHING)


def _judged(rows: Mapping[str, Sequence[Mapping[str, Any]]], final: str) -> Iterator[dict[str, Any]]:
    """The contrasts of one setting, by metric: those by which the schemes are judged are corrected as one family."""
    apart = {metric: list(decided(found)) for metric, found in rows.items()}
    headline = [final if row["by_final"] else STEPS for row in rows[STEPS]]
    together = decided([rows[metric][scheme] for scheme, metric in enumerate(headline)])
    for scheme, (metric, row) in enumerate(zip(headline, together, strict=True)):
        if metric == final:
            apart[STEPS][scheme]["decision"] = NOTHING
        apart[metric][scheme] = row
    for found in apart.values():
        yield from found


def decided(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The contrasts of one setting and metric, by ``p`` and ``pairs``: corrected for their number and judged."""
    corrected = signflip.holm([row["p"] for row in rows])
    comparisons = sum(not math.isnan(p) for p in corrected)
    needed = signflip.pairs_needed(comparisons)
    for row, p in zip(rows, corrected, strict=True):
        decision = SHOWN if p <= signflip.ALPHA else TOO_FEW if row["pairs"] < needed else NOT_SHOWN
        if not row["pairs"]:
            decision = NOTHING
        yield {**row, "p_holm": p, "comparisons": comparisons, "needed": needed, "decision": decision}


def reference_of(names: Sequence[str], asked: str | None) -> str:
    """The scheme that the others are held against: the one asked for, by label or by a name of its own; or the first.

    Raises
    ------
    InitbenchError
        There is no such scheme.
    """
    labels = list(dict.fromkeys(names))
    if asked is None:
        return labels[0] if labels else ""
    found = [label for label in labels if label == asked] or [
        label for label in labels if label.partition("[")[0] == asked
    ]
    if len(found) != 1:
        raise InitbenchError(f"found the reference {asked}, expected one of the schemes {wording.listing(labels)}")
    return found[0]


def _tested(both: pd.DataFrame, metric: str, counts: Mapping[Place, Mapping[str, int]]) -> dict[Place, dict[str, Any]]:
    """What the pairs of each place say of a metric; all are tested at once."""
    ratio = metric == STEPS
    differences = _log_ratios(both) if ratio else both[metric] - both[f"{metric}_reference"]
    finite = differences.where(np.isfinite(differences))
    by_seed = finite.groupby([both[_SETTING], both[cells.SCHEME], both["seed"]]).mean().dropna()
    positions = by_seed.groupby(level=_PLACE, sort=False).indices
    values = by_seed.to_numpy()
    wanted = [
        place
        for place, count in counts.items()
        if place in positions and not (ratio and count["neither"] == count["runs"])
    ]
    tested = dict(zip(wanted, signflip.evidences([values[positions[place]].tolist() for place in wanted]), strict=True))
    found = {}
    for place, count in counts.items():
        evidence = asdict(tested.get(place, signflip.evidence([])))
        if ratio:
            evidence |= {end: math.exp(evidence[end]) for end in ("estimate", "low", "high")}
            evidence |= dict.fromkeys(("low", "high", "p"), math.nan) if _by_final(count) else {}
        said = {key: count[key] for key in ("seeds", "runs", "missed", "reference_missed")}
        found[place] = {**said, "by_final": _by_final(count), "bound": _bound(count) if ratio else "", **evidence}
    return found


def _by_final(count: Mapping[str, int]) -> bool:
    """Whether the final metric has to judge. The same for any exchange of the two sides of pairs."""
    if not count["runs"] or count["both"]:
        return False
    return count["final"] == count["runs"] or count["neither"] == count["runs"]


def _counts(both: pd.DataFrame, places: Sequence[Place], final: str) -> dict[Place, dict[str, int]]:
    """Of each place its seeds and runs; how many of these missed the target on either side.

    ``both`` counts the runs in which both sides arrived, ``neither`` those in which none did, and ``final`` those with
    a final metric on both sides.
    """
    missed, reference_missed = (both[f"{STEPS}{side}"] == math.inf for side in ("", "_reference"))
    flags = both[[*_PLACE, "seed"]].assign(
        missed=missed,
        reference_missed=reference_missed,
        neither=missed & reference_missed,
        both=~missed & ~reference_missed,
        final=np.isfinite(both[final] - both[f"{final}_reference"]),
    )
    grouped = flags.groupby(_PLACE)
    counted = grouped[["missed", "reference_missed", "neither", "both", "final"]].sum()
    counted = counted.assign(seeds=grouped["seed"].nunique(), runs=grouped.size())
    nothing = dict.fromkeys(counted.columns, 0)
    known = {
        key: {str(name): int(number) for name, number in row.items()} for key, row in counted.to_dict("index").items()
    }
    return {place: known.get(place, nothing) for place in places}


def _pairs(numbered: pd.DataFrame, reference: str) -> pd.DataFrame:
    """The measured runs of the other schemes, each beside that of the reference with the same seeds and setting.

    The columns of the latter end in ``_reference``. The last loss of a diverged run is whatever it was stopped at, so
    only finished runs have final metrics.
    """
    key = [_SETTING, "seed", *(["data_seed"] if "data_seed" in numbered else [])]
    numbers = ["steps", *METRICS]
    measured = numbered[numbered["status"] != FAILED]
    values = measured[numbers].astype(float)
    values[list(FINALS)] = values[list(FINALS)].where(measured["status"] == "finished")
    runs = pd.concat([measured[[*key, cells.SCHEME]], values], axis=1)
    is_reference = runs[cells.SCHEME] == reference
    return runs[~is_reference].merge(runs.loc[is_reference, [*key, *numbers]], on=key, suffixes=("", "_reference"))


def _log_ratios(both: pd.DataFrame) -> pd.Series:
    """Differences of log steps; a miss counts its whole budget, a target met before the first update one step."""
    sides = [both[f"{STEPS}{side}"].clip(lower=1.0, upper=both[f"steps{side}"]) for side in ("", "_reference")]
    return sides[0].apply(math.log) - sides[1].apply(math.log)


def _bound(count: Mapping[str, int]) -> str:
    if not count["missed"]:
        return AT_MOST if count["reference_missed"] else ""
    return WITHIN_BUDGET if count["reference_missed"] else AT_LEAST
