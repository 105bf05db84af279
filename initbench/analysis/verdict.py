"""The verdict: one plain sentence that says which scheme got there first, by how much, and who did not.

It describes what was measured and claims no more: medians over the seeds, with misses counted as infinite, and a
word of warning where the seeds of the first two overlap.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from initbench.analysis import cells, wording
from initbench.records import Manifest


def sentence(schemes: pd.DataFrame, manifest: Manifest) -> str:
    """The verdict on a table of ``outcomes.schemes``."""
    if not (schemes["trials"] > schemes["failed"]).any():
        return "Nothing to compare: no trial has a result."
    target = wording.target(manifest.target_metric, manifest.target_value)
    named = list(cells.by_setting(schemes, manifest.axes))
    if cells.is_side_by_side(manifest.axes):
        return " ".join(f"In {name}: {_of_setting(rows, manifest, target)}" for name, rows in named)
    settings = [rows for _, rows in named]
    if len(settings) > 1 and len(set(schemes["init"])) > 1:
        return _schemes_over_settings(settings, cells.swept(manifest.axes), target)
    if len(settings) > 1:
        return _settings_of_one_scheme(schemes, cells.swept(manifest.axes), target)
    return _of_setting(schemes, manifest, target)


def _of_setting(schemes: pd.DataFrame, manifest: Manifest, target: str) -> str:
    if not schemes["reached"].any():
        return _none_reached(schemes, manifest.target_metric, target)
    return _who_reached(schemes, target)


def _who_reached(schemes: pd.DataFrame, target: str) -> str:
    ranked = _in_time(schemes).sort_values("steps_to_target_median", kind="stable")
    rest = schemes.drop(ranked.index)
    parts = [_order(ranked, target, _budget(schemes)) if len(ranked) else f"No scheme reached {target} in most seeds"]
    some = rest[rest["reached"] > 0]
    parts += [f"{row['init']} reached it in only {_seeds(row)}" for _, row in some.iterrows()]
    missed = rest[rest["reached"] == 0]
    never = missed[~missed["state"].isin(_ENDINGS)]
    parts += [f"{wording.listing(list(never['init']))} never did"] if len(never) else []
    return "; ".join([*parts, *_endings(missed)]) + "."


def _order(ranked: pd.DataFrame, target: str, budget: str) -> str:
    fewest = ranked["steps_to_target_median"].iloc[0]
    lead = ranked[ranked["steps_to_target_median"] == fewest]
    others = ranked[ranked["steps_to_target_median"] > fewest]
    names = wording.listing(list(lead["init"]))
    median = "a median of " if lead["trials"].max() > 1 else ""
    when = f"{median}{wording.steps(fewest)}{budget} steps"
    if len(ranked) == 1:
        when = when.removeprefix("a ").replace("median of", "median")
        return f"{names} reached {target} in {_seeds(lead.iloc[0])} ({when})"
    if len(lead) > 1:
        seeds = wording.listing([_seeds(row) for _, row in lead.iterrows()])
        if len(set(zip(lead["reached"], lead["trials"], strict=True))) == 1:
            one = lead["trials"].iloc[0] == 1
            seeds = "one seed each" if one else f"{_seeds(lead.iloc[0])} each"
        head = f"{names} reached {target} together, {'both' if len(lead) == 2 else 'all'} at {when} ({seeds})"
    else:
        head = f"{names} was first to {target}, at {when} ({_seeds(lead.iloc[0])})"
    ahead = wording.listing([_behind(row, fewest) for _, row in others.iterrows()])
    return head + (f", ahead of {ahead}" if ahead else "") + _overlap(ranked)


def _behind(row: pd.Series, fewest: float) -> str:
    median = row["steps_to_target_median"]
    ratio = f"{wording.significant(median / fewest)}×, " if fewest > 0 else ""
    return f"{row['init']} at {wording.steps(median)} ({ratio}{_seeds(row)})"


def _overlap(ranked: pd.DataFrame) -> str:
    """A warning that the order of the first two may be chance."""
    first, second = ranked.iloc[0], ranked.iloc[1]
    if first["steps_to_target_median"] == second["steps_to_target_median"]:
        return ""
    if min(first["trials"], second["trials"]) == 1:
        return "; one seed each cannot tell luck from merit"
    if second["steps_to_target_min"] > first["steps_to_target_max"]:
        return ""
    return f"; the ranges of {first['init']} and {second['init']} over the seeds overlap"


def _none_reached(schemes: pd.DataFrame, metric: str, target: str) -> str:
    within = f"{_budget(schemes)} steps".replace(" of", " within") if _budget(schemes) else ""
    alone = len(schemes) == 1
    subject = f"{schemes['init'].iloc[0]} never" if alone else "No scheme"
    finals = schemes.set_index("init")[f"final_{metric}_median"].astype(float).dropna()
    alive = schemes[schemes["init"].isin(finals.index)]
    parts = [f"{subject} reached {target}{within}"]
    if (alive["state"] == "stalled").all():
        parts += [f"{wording.listing(list(alive['init']))} stalled"] if len(alive) else []
    else:
        rising = metric.endswith("accuracy")
        best = finals.idxmax() if rising else finals.idxmin()
        final = float(finals.max() if rising else finals.min())
        shown = f"{wording.percent(final)}%" if rising else wording.significant(final)
        median = "median " if (alive["finished"] > 1).any() else ""
        nearest = "it ended" if alone else f"{best} came nearest,"
        parts += [f"{nearest} at a {median}final {metric.replace('_', ' ')} of {shown}"]
    return "; ".join([*parts, *_endings(schemes.drop(alive.index))]) + "."


def _schemes_over_settings(settings: Sequence[pd.DataFrame], axes: Sequence[str], target: str) -> str:
    names = list(dict.fromkeys(name for rows in settings for name in rows["init"]))
    reached = dict.fromkeys(names, 0)
    first = dict.fromkeys(names, 0)
    for rows in settings:
        in_time = _in_time(rows)
        fewest = in_time["steps_to_target_median"].min()
        for _, row in in_time.iterrows():
            reached[row["init"]] += 1
            first[row["init"]] += int(row["steps_to_target_median"] == fewest)
    of_settings = f"{len(settings)} settings of {_axes(axes)}"
    if not any(reached.values()):
        most = " in most seeds" if any(rows["reached"].any() for rows in settings) else ""
        return f"No scheme reached {target}{most} in any of {of_settings}."
    winners = [f"{name} in {wins}" for name, wins in _descending(first) if wins]
    tied = " (ties count for each)" if sum(first.values()) > sum(len(_in_time(rows)) > 0 for rows in settings) else ""
    times = [f"{name} in {number or 'none'}" for name, number in _descending(reached)]
    return (
        f"Over {of_settings}, first to {target}: {wording.listing(winners)}{tied}; "
        f"reached in most seeds: {wording.listing(times)}."
    )


def _settings_of_one_scheme(schemes: pd.DataFrame, axes: Sequence[str], target: str) -> str:
    in_time = _in_time(schemes)
    name, total = schemes["init"].iloc[0], f"{len(schemes)} settings of {_axes(axes)}"
    if in_time.empty:
        most = " in most seeds" if schemes["reached"].any() else ""
        return f"{name} reached {target}{most} in none of {total}."
    best = in_time.sort_values("steps_to_target_median", kind="stable").iloc[0]
    titles = cells.axis_titles(axes)
    where = ", ".join(f"{titles[axis]}={wording.setting(best[axis])}" for axis in axes)
    median = "median " if best["trials"] > 1 else ""
    steps = f"{median}{wording.steps(best['steps_to_target_median'])} steps, {_seeds(best)}"
    return f"{name} reached {target} in {len(in_time)} of {total}, soonest at {where} ({steps})."


_ENDINGS = {"diverged": "diverged", "failed": "gave no result"}


def _endings(missed: pd.DataFrame) -> list[str]:
    names = {verb: list(missed.loc[missed["state"] == state, "init"]) for state, verb in _ENDINGS.items()}
    return [f"{wording.listing(found)} {verb}" for verb, found in names.items() if found]


def _in_time(schemes: pd.DataFrame) -> pd.DataFrame:
    """The schemes that reached the target in most of their measured seeds."""
    return schemes[np.isfinite(schemes["steps_to_target_median"].astype(float))]


def _budget(schemes: pd.DataFrame) -> str:
    budgets = schemes["steps"].dropna().unique()
    return f" of {wording.steps(float(budgets[0]))}" if len(budgets) == 1 else ""


def _seeds(row: pd.Series) -> str:
    noun = "seed" if row["seeds"] == row["trials"] else "run"
    if row["trials"] == 1:
        return f"its only {noun}"
    if row["reached"] == row["trials"]:
        return f"both {noun}s" if row["trials"] == 2 else f"all {wording.count(row['trials'], noun)}"
    return f"{row['reached']} of {wording.count(row['trials'], noun)}"


def _axes(axes: Sequence[str]) -> str:
    return wording.listing(list(cells.axis_titles(axes).values()))


def _descending(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])
