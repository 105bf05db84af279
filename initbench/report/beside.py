"""Two results folders side by side: one experiment with a further axis, the folder that a trial comes from.

Everything that shows a sweep then shows the two folders: schemes are compared within each, and the tables, maps and
curves of one stand next to those of the other.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd

from initbench.analysis import settings, wording
from initbench.analysis.cells import FOLDER
from initbench.analysis.rates import CHOOSES
from initbench.records import TABLES, Manifest, Records, Results


def beside(first: Results, second: Results) -> Results:
    """Both as one, with a path of its own next to the first folder's. The target is that of the first."""
    names = _names(first.path, second.path)
    both = [_named(results, name) for results, name in zip((first, second), names, strict=True)]
    axes = dict.fromkeys(axis for results in both for axis in results.manifest.axes)
    path = first.path.resolve()
    return Results(
        path=path.with_name("_beside_".join(Path(name).name for name in names)),
        manifest=Manifest(
            name=" beside ".join(names),
            trials=tuple(trial for results in both for trial in results.manifest.trials),
            axes=(*axes, FOLDER),
            target_metric=first.manifest.target_metric,
            target_value=first.manifest.target_value,
        ),
        records=Records(**{table: _joined([getattr(results.records, table) for results in both]) for table in TABLES}),
        experiment="",
        provenance={name: results.provenance for name, results in zip(names, both, strict=True)},
        problems=(
            *_targets(first.manifest, second.manifest, names),
            *settings.differences(first.records.outcomes, second.records.outcomes, names),
            *first.problems,
            *second.problems,
        ),
    )


def _names(first: Path, second: Path) -> tuple[str, str]:
    """The folders' names, or their paths where the names are alike."""
    paths = first.resolve(), second.resolve()
    alike = paths[0].name == paths[1].name
    return (str(first), str(second)) if alike else (paths[0].name, paths[1].name)


def _named(results: Results, name: str) -> Results:
    """Results whose trials carry the folder's name, so that a trial in both folders counts in each."""
    records = {}
    for table in TABLES:
        rows = getattr(results.records, table)
        records[table] = rows.assign(id=[f"{name}/{trial}" for trial in rows["id"]])
    chooses = records["outcomes"]["seed"].isin(results.manifest.selection_seeds)
    records["outcomes"] = records["outcomes"].assign(**{FOLDER: name, CHOOSES: chooses})
    trials = tuple(f"{name}/{trial}" for trial in results.manifest.trials)
    return replace(results, records=Records(**records), manifest=replace(results.manifest, trials=trials))


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    columns = list(dict.fromkeys(column for table in tables for column in table.columns))
    filled = [table.dropna(axis="columns", how="all") for table in tables if len(table)]
    return (pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()).reindex(columns=columns)


def _targets(first: Manifest, second: Manifest, names: tuple[str, str]) -> list[str]:
    targets = [wording.target(one.target_metric, one.target_value) for one in (first, second)]
    if targets[0] == targets[1]:
        return []
    return [f"the targets differ ({names[0]}: {targets[0]}; {names[1]}: {targets[1]}); both are judged by the first"]
