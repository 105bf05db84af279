"""Contrasts: each scheme against a reference, seed by seed, within each setting of the sweep.

A pair is one weight seed in both schemes: the same draws, scaled differently, and the same batches. Where data seeds
are crossed with weight seeds, the difference of a pair is its mean over the data seeds, since runs that share weights
are not independent.

*Steps to the target* are compared as a ratio, through the mean difference of their logarithms: the geometric mean of
the paired ratios. A run that missed the target counts its whole budget of steps, which makes the ratio a bound:
``at most`` where only the reference missed, ``at least`` where only the scheme did. *Final metrics* are compared as
differences (scheme less reference) over the pairs that both finished; a diverged loss is neither averaged nor replaced.

p-values are corrected (Holm) over the schemes of one setting and metric; intervals are those of one contrast alone.
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

SHOWN, NOT_SHOWN, TOO_FEW, NOTHING = "shown", "not shown", "too few seeds", "nothing to compare"
AT_MOST, AT_LEAST, WITHIN_BUDGET = "at most", "at least", "within the budget"

COLUMNS = (
    *("init", "reference", "metric", "seeds", "runs", "pairs", "missed", "reference_missed"),
    *("estimate", "low", "high", "level", "bound", "p", "p_holm", "comparisons", "needed", "decision"),
)


def contrasts(trials: pd.DataFrame, manifest: Manifest, reference: str) -> pd.DataFrame:
    """One row per setting, scheme other than the reference, and metric; see ``docs/records.md``.

    ``estimate``, ``low`` and ``high`` are ratios for ``steps_to_target`` and differences for the rest; ``level`` is
    that of the interval; ``pairs`` counts the seeds compared, of ``seeds`` that both schemes have, in ``runs`` runs
    each; ``missed`` counts those that did not reach the target. ``decision`` is ``shown`` where the corrected p-value
    is at most 0.05, ``too few seeds`` where no outcome could have made it so, with ``needed`` the number that could,
    and else ``not shown``.
    """
    rows: list[dict[str, Any]] = []
    for _, setting in cells.by_setting(trials, manifest.axes):
        others = [str(name) for name in dict.fromkeys(setting[cells.SCHEME]) if name != reference]
        place = {axis: setting[axis].iloc[0] for axis in cells.swept(manifest.axes)}
        pairs = {name: _pairs(setting, name, reference) for name in others}
        for metric in (STEPS, *FINALS):
            found = [
                {**place, "init": name, "reference": reference, "metric": metric, **_contrast(both, metric)}
                for name, both in pairs.items()
            ]
            rows += decided(found)
    return pd.DataFrame(rows, columns=[*cells.swept(manifest.axes), *COLUMNS])


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


def _contrast(both: pd.DataFrame, metric: str) -> dict[str, Any]:
    ratio = metric == STEPS
    differences = _log_ratios(both) if ratio else both[metric] - both[f"{metric}_reference"]
    by_seed = differences[np.isfinite(differences)].groupby(both["seed"]).mean()
    missed, reference_missed = (both[f"{STEPS}{side}"] == math.inf for side in ("", "_reference"))
    nothing = ratio and bool((missed & reference_missed).all())
    found = asdict(signflip.evidence([] if nothing else by_seed.to_list()))
    if ratio:
        found |= {end: math.exp(found[end]) for end in ("estimate", "low", "high")}
    counts = {"seeds": both["seed"].nunique(), "runs": len(both)}
    misses = {"missed": int(missed.sum()), "reference_missed": int(reference_missed.sum())}
    return {**counts, **misses, "bound": _bound(missed, reference_missed) if ratio else "", **found}


def _pairs(setting: pd.DataFrame, name: str, reference: str) -> pd.DataFrame:
    """The measured runs of both schemes side by side, those of the reference with ``_reference`` in their columns.

    The last loss of a diverged run is whatever it was stopped at, so only finished runs have final metrics.
    """
    key = ["seed", "data_seed"] if "data_seed" in setting else ["seed"]
    columns = [*key, "steps", STEPS, *FINALS]
    measured = setting.loc[setting["status"] != FAILED].copy()
    measured[list(FINALS)] = measured[list(FINALS)].astype(float).where(measured["status"] == "finished")
    sides = [measured.loc[measured[cells.SCHEME] == scheme, columns] for scheme in (name, reference)]
    both = sides[0].merge(sides[1], on=key, suffixes=("", "_reference"))
    numbers = [column for column in both if column not in key]
    return both.astype(dict.fromkeys(numbers, float))


def _log_ratios(both: pd.DataFrame) -> pd.Series:
    """Differences of log steps; a miss counts its whole budget, a target met before the first update one step."""
    sides = [both[f"{STEPS}{side}"].clip(lower=1.0, upper=both[f"steps{side}"]) for side in ("", "_reference")]
    return sides[0].apply(math.log) - sides[1].apply(math.log)


def _bound(missed: pd.Series, reference_missed: pd.Series) -> str:
    if not missed.any():
        return AT_MOST if reference_missed.any() else ""
    return WITHIN_BUDGET if reference_missed.any() else AT_LEAST
