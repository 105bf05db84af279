"""Fair learning rates: each scheme at its own best rate, beside the comparison at equal rates.

A scheme can win at one learning rate because that rate suits it. Where the rate is swept, every scheme is therefore
also compared at its own best rate: the one with the lowest train loss, averaged over the whole run, on *selection
seeds* that the comparison does not use again. Choosing and judging on the same seeds would favor the scheme whose
results scatter more. A rate at which a selection seed diverged is never the best. Where an experiment names no
selection seeds, a quarter of its seeds, the first ones and at least one, choose; the rest compare. Of results folders
side by side, each has rates and selection seeds of its own.

A rate is *usable* where at least half of the seeds reach the target; the usable range is the unbroken run of such rates
around the best.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from initbench.analysis import cells, claims, contrasts, outcomes, verdict, wording
from initbench.records import FAILED, Manifest

AXIS = "optimizer.lr"
CHOOSES = "chooses"  # a column, where results folders stand side by side: whether the seed is a selection seed there
SHARE = 4  # one seed in so many chooses the rate
LOWEST, HIGHEST = "lowest", "highest"


@dataclass(frozen=True)
class Rates:
    """What a sweep over the learning rate shows."""

    best: pd.DataFrame
    """One row per scheme and further setting: ``best_rate`` (NaN if every rate diverged or failed) and its ``edge``
    (``lowest`` or ``highest`` of the rates tried, or ""); ``reached`` of ``seeds`` and ``median_steps`` at it, on the
    comparison's seeds, as ``selection_seeds`` others chose; ``usable_low``, ``usable_high`` and ``usable_decades``,
    NaN where no rate is usable, with ``open_low`` and ``open_high`` where the range runs into an end of the rates."""
    contrasts: pd.DataFrame
    """As ``contrasts.contrasts``, each scheme at its own best rate."""
    claims: tuple[str, ...]
    """What follows, in sentences: the contrasts, whether the winner flips, and the usable ranges."""
    selection_seeds: tuple[int, ...]
    sentence: str
    """The verdict on the schemes at their own best rates; none where there are further settings."""


def rates(trials: pd.DataFrame, manifest: Manifest, reference: str) -> Rates | None:
    """The comparison at own best rates; None where the rate is not swept, or where there is only one seed."""
    if AXIS not in manifest.axes or not len(trials):
        return None
    sweeps = [sweep for part in _folders(trials) if (sweep := _Sweep.of(part, manifest)) is not None]
    if not sweeps:
        return None
    others = replace(manifest, axes=tuple(axis for axis in manifest.axes if axis != AXIS))
    best = pd.DataFrame([row for sweep in sweeps for row in sweep.best(others.axes)])
    judged = pd.concat([sweep.trials[~sweep.choosing] for sweep in sweeps])
    fair = judged.merge(best[[*others.axes, "best_rate"]], on=list(others.axes))
    fair = fair[fair[AXIS] == fair["best_rate"]]
    paired = contrasts.contrasts(fair, others, reference)
    swept = pd.concat([sweep.trials for sweep in sweeps])
    said = [*_compared(best, paired, others), *_flips(swept, best, others), *_ranges(best, others)]
    chosen = tuple(sorted({seed for sweep in sweeps for seed in sweep.selection}))
    return Rates(best, paired, tuple(said), chosen, _sentence(fair, best, others))


@dataclass(frozen=True)
class _Sweep:
    """The trials of one results folder, and which of its seeds choose the rate."""

    trials: pd.DataFrame
    selection: tuple[int, ...]

    @classmethod
    def of(cls, trials: pd.DataFrame, manifest: Manifest) -> _Sweep | None:
        """None where there is but one rate, or where all seeds would choose."""
        named = trials.loc[trials[CHOOSES].astype(bool), "seed"] if CHOOSES in trials else manifest.selection_seeds
        found = cls(trials, tuple(sorted({int(seed) for seed in named})) or selecting(trials["seed"]))
        single = trials[AXIS].nunique() < 2
        return None if single or not found.choosing.any() or found.choosing.all() else found

    @property
    def choosing(self) -> pd.Series:
        return self.trials["seed"].isin(self.selection)

    def best(self, axes: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """A row of ``Rates.best`` for each scheme and further setting."""
        for cell, rows in cells.by_cell(self.trials, axes):
            yield {**cell, **_scheme(rows, self.selection), "selection_seeds": len(self.selection)}


def _folders(trials: pd.DataFrame) -> list[pd.DataFrame]:
    return [part for _, part in trials.groupby(cells.FOLDER, sort=False)] if cells.FOLDER in trials else [trials]


def selecting(seeds: pd.Series) -> tuple[int, ...]:
    """The seeds that choose the rate where the experiment does not say: a quarter, the first ones; none of one."""
    all_seeds = [int(seed) for seed in dict.fromkeys(seeds)]
    return tuple(all_seeds[: max(1, len(all_seeds) // SHARE)]) if len(all_seeds) > 1 else ()


def best_rate(trials: pd.DataFrame) -> float:
    """The rate with the lowest mean train loss over a run, of one scheme's trials; NaN if all diverged or failed."""
    loss = losses(trials)
    return float(loss.index[int(loss.argmin())]) if loss.min() < math.inf else math.nan


def losses(trials: pd.DataFrame) -> pd.Series:
    """The mean train loss over a run at each rate with a measured trial, ascending; infinite where one diverged."""
    measured = trials[trials["status"] != FAILED]
    run = (measured["loss_area"] / measured["steps"]).astype(float).fillna(math.inf)
    return run.groupby(measured[AXIS].astype(float)).mean()


def edge(trials: pd.DataFrame, best: float) -> str:
    """Whether the best rate is the lowest or the highest of those tried, where the true best may lie beyond."""
    tried = trials[AXIS].astype(float)
    return LOWEST if best == tried.min() else HIGHEST if best == tried.max() else ""


def _scheme(rows: pd.DataFrame, selection: Sequence[int]) -> dict[str, Any]:
    chooses = rows["seed"].isin(selection)
    best = best_rate(rows[chooses])
    judged = rows.loc[~chooses & (rows[AXIS] == best), "steps_to_target"].astype(float).dropna()
    return {
        "best_rate": best,
        "edge": edge(rows[chooses], best),
        "seeds": len(judged),
        "reached": int((judged < math.inf).sum()),
        "median_steps": judged.median() if len(judged) else math.nan,
        **_usable(rows, best),
    }


def _usable(rows: pd.DataFrame, best: float) -> dict[str, Any]:
    steps = rows["steps_to_target"].astype(float).dropna()  # a failed trial is no miss
    reached = (steps < math.inf).groupby(rows[AXIS].astype(float)).mean() >= 0.5
    tried = list(reached.index)
    if not reached.get(best, False):
        nothing = dict.fromkeys(("usable_low", "usable_high", "usable_decades"), math.nan)
        return {**nothing, "open_low": False, "open_high": False}
    first = last = tried.index(best)
    while first > 0 and reached.iloc[first - 1]:
        first -= 1
    while last + 1 < len(tried) and reached.iloc[last + 1]:
        last += 1
    return {
        "usable_low": tried[first],
        "usable_high": tried[last],
        "usable_decades": math.log10(tried[last] / tried[first]),
        "open_low": first == 0,
        "open_high": last == len(tried) - 1,
    }


def _sentence(fair: pd.DataFrame, best: pd.DataFrame, manifest: Manifest) -> str:
    if cells.swept(manifest.axes) or fair.empty:
        return ""
    found = verdict.sentence(outcomes.schemes(fair, manifest.axes), manifest)
    return f"{'Each at its' if len(best) > 1 else 'At its'} own best learning rate ({_chosen(best)}): {found}"


def _chosen(best: pd.DataFrame) -> str:
    return ", ".join(f"{row['init']} {wording.setting(row['best_rate'])}" for row in _rows(best))


def _compared(best: pd.DataFrame, paired: pd.DataFrame, manifest: Manifest) -> Iterator[str]:
    """The contrasts, introduced by the rates that they are at."""
    for name, rows in cells.by_setting(best, manifest.axes):
        where = f"At {name}, each" if name else "Each"
        yield (
            f"{where} at its own best learning rate ({_chosen(rows)}; "
            f"chosen on {wording.count(int(rows['selection_seeds'].iloc[0]), 'other seed')}):"
        )
        here = paired
        for axis in cells.swept(manifest.axes):
            here = here[here[axis].isin([rows[axis].iloc[0]])]
        yield from claims.claims(here, replace(manifest, axes=(cells.SCHEME,)))
        for row in _rows(rows[rows["edge"] != ""]):
            yield f"The best rate of {row['init']} is the {row['edge']} tried; a wider grid may find a better one."


def _flips(trials: pd.DataFrame, best: pd.DataFrame, manifest: Manifest) -> Iterator[str]:
    """Whether the scheme that is first at its own best rate is also first where all have the same."""
    for (name, rows), (_, own) in zip(
        cells.by_setting(trials, manifest.axes), cells.by_setting(best, manifest.axes), strict=True
    ):
        winner = _first(own.set_index("init")["median_steps"])
        medians = rows.pivot_table(index=AXIS, columns="init", values="steps_to_target", aggfunc="median")
        equal = {rate: _first(steps) for rate, (_, steps) in zip(medians.index, medians.iterrows(), strict=True)}
        led = {rate: scheme for rate, scheme in equal.items() if scheme}
        if not winner or not led:
            continue
        other = {rate: scheme for rate, scheme in led.items() if scheme != winner}
        where = f" ({name})" if name else ""
        if not other:
            yield (
                f"{winner} is first at its own best rate, and at equal rates too: at {len(led)} of the {len(equal)} "
                f"tried, no other scheme at any{where}."
            )
        else:
            flipped = [
                f"{scheme} at {wording.listing([wording.setting(rate) for rate in other if other[rate] == scheme])}"
                for scheme in dict.fromkeys(other.values())
            ]
            equally = wording.listing(flipped)
            yield f"The winner flips: {winner} is first at its own best rate, but at equal rates {equally}{where}."


def _first(steps: pd.Series) -> str:
    """The scheme with the fewest steps, if it is one alone and arrived at all."""
    fewest = steps.min()
    leaders = steps.index[steps == fewest]
    return str(leaders[0]) if len(leaders) == 1 and fewest < math.inf else ""


def _ranges(best: pd.DataFrame, manifest: Manifest) -> Iterator[str]:
    for name, rows in cells.by_setting(best, manifest.axes):
        found = [_range(row) for row in _rows(rows)]
        yield f"Usable rates{f' at {name}' if name else ''}: {'; '.join(found)}."


def _range(row: dict[str, Any]) -> str:
    if math.isnan(row["usable_low"]):
        return f"{row['init']} none"
    low, high = wording.setting(row["usable_low"]), wording.setting(row["usable_high"])
    if low == high:
        return f"{row['init']} {low} alone"
    least = "at least " if row["open_low"] or row["open_high"] else ""
    return f"{row['init']} {low} to {high} ({least}{row['usable_decades']:.1f} decades)"


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
