"""Cells: the schemes of an experiment, once for each setting of whatever else it sweeps.

The first axis is the init scheme. The others (depth, learning rate, ...) make up the *setting*: schemes are compared
within a setting, never across two.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from initbench.analysis import wording

SCHEME = "init"
FOLDER = "folder"  # the axis along which two results folders stand side by side


def swept(axes: Sequence[str]) -> list[str]:
    """The axes besides the scheme."""
    return [axis for axis in axes if axis != SCHEME]


def axis_titles(axes: Sequence[str]) -> dict[str, str]:
    """Axes by the names that readers see: ``network.depth`` is ``depth`` unless two axes end alike."""
    short = [axis.rpartition(".")[2] for axis in axes]
    return {axis: name if short.count(name) == 1 else axis for axis, name in zip(axes, short, strict=True)}


def schemes(table: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    """The schemes in the order of the first setting that has most of them; others follow as they appear.

    A search over the depth tries all where it begins, and a shallower setting, which comes first, with some alone.
    """
    if table.empty:
        return []
    tried = pd.DataFrame({"setting": setting_numbers(table, axes), "scheme": table[SCHEME].astype(str)})
    tried = tried.drop_duplicates()
    fullest = tried.groupby("setting").size().idxmax()
    return list(dict.fromkeys([*tried.loc[tried["setting"] == fullest, "scheme"], *tried["scheme"]]))


def by_cell(
    table: pd.DataFrame, axes: Sequence[str], order: Sequence[str] | None = None
) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """The rows of each cell with its values on the axes; by setting, then scheme in the ``order`` of ``schemes``."""
    order = schemes(table, axes) if order is None else order
    for _, rows in by_setting(table, axes):
        found = dict(iter(rows.groupby(SCHEME, sort=False)))
        for scheme in order:
            if scheme in found:
                yield {axis: found[scheme][axis].iloc[0] for axis in axes}, found[scheme]


def by_setting(table: pd.DataFrame, axes: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each setting with its name, such as ``depth=10, lr=0.1``; one without a name if nothing is swept.

    A results folder goes by its own name alone.
    """
    others = swept(axes)
    if not others:
        yield "", table
        return
    titles = axis_titles(others)
    for key, rows in table.groupby(others, sort=False, dropna=False):
        named = {axis: wording.setting(value) for axis, value in zip(others, key, strict=True)}
        yield ", ".join(text if axis == FOLDER else f"{titles[axis]}={text}" for axis, text in named.items()), rows


def is_side_by_side(axes: Sequence[str]) -> bool:
    """Whether the settings are results folders and nothing else."""
    return swept(axes) == [FOLDER]


def setting_numbers(table: pd.DataFrame, axes: Sequence[str]) -> pd.Series:
    """For each row the number of its setting, from 0 in the order of ``by_setting``."""
    others = swept(axes)
    if not others or table.empty:
        return pd.Series(0, index=table.index)
    return table.groupby(others, sort=False, dropna=False).ngroup()
