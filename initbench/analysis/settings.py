"""Settings: where two experiments differ in what they trained with, apart from the schemes that they compare."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from initbench.analysis import cells, wording

KINDS = ("network", "activation", "dataset", "optimizer", "schedule")
RECIPE = ("batch_size", "epochs", "steps", "weight_decay", "grad_clip", "dtype")
"""``initbench.config.SCALARS``, which needs torch."""
_MOST_VALUES = 6


def differences(first: pd.DataFrame, second: pd.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    """A sentence on each setting that differs between two tables of outcomes, called ``names``, and on their seeds.

    The kind of a component and each of its options count by themselves; the number of updates does where nothing else
    differs that it could follow from.
    """
    found = dict(_differing(first, second))
    if len(found) > 1:
        found.pop("steps", None)
    titles = cells.axis_titles(list(found))
    return tuple(
        f"{titles[column].replace('_', ' ')} differs ({names[0]}: {before}; {names[1]}: {after})"
        for column, (before, after) in found.items()
    )


def _differing(first: pd.DataFrame, second: pd.DataFrame) -> Iterator[tuple[str, tuple[str, str]]]:
    columns = dict.fromkeys([*first.columns, *second.columns])
    options = [column for column in columns if "." in column and column.partition(".")[0] in KINDS]
    for column in (*KINDS, *options, *RECIPE):
        before, after = (_values(table, column) for table in (first, second))
        if before != after:
            yield column, (_listed(before), _listed(after))
    seeds = [table["seed"].nunique() for table in (first, second)]
    if seeds[0] != seeds[1]:
        yield "the number of seeds", (str(seeds[0]), str(seeds[1]))


def _values(table: pd.DataFrame, column: str) -> list[str]:
    """The values of a column as they are written, numbers in ascending order; a component by its kind alone."""
    if column not in table:
        return []
    known = table[column].dropna().drop_duplicates()
    if pd.api.types.is_numeric_dtype(known):
        known = known.sort_values()
    written = [wording.setting(value) for value in known]
    kinds = [name.partition("[")[0] for name in written] if column in KINDS else written
    return list(dict.fromkeys(kinds))


def _listed(values: Sequence[str]) -> str:
    return ", ".join([*values[:_MOST_VALUES], *(["…"] if values[_MOST_VALUES:] else [])]) or "none"
