"""What a results folder says, as values: the experiment's manifest, the three tables, and both as read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

SCHEMA_VERSION = 1
TABLES = ("curves", "layers", "outcomes")  # the order of writing
KEYS = {"outcomes": ["id"], "curves": ["id", "step"], "layers": ["id", "step", "layer"]}

FINISHED, DIVERGED, FAILED = "finished", "diverged", "failed"
STATUSES = (FINISHED, DIVERGED, FAILED)


@dataclass(frozen=True)
class Portion:
    """What is in a folder that holds a part of an experiment, so that the parts can be put together.

    ``shards`` are names such as ``3/20``; ``positions`` say where the folder's trials stand among the ``planned`` ones.
    ``basis`` holds what the ids of trials and the cut into shards rest on besides the config, by name.
    """

    shards: tuple[str, ...]
    planned: int
    positions: tuple[int, ...]
    basis: Mapping[str, str]

    def __str__(self) -> str:
        which = f"shard{'s' * (len(self.shards) > 1)} {', '.join(self.shards)}"
        return f"{which}, {len(self.positions)} of {self.planned} trials"


@dataclass(frozen=True)
class Manifest:
    """What an experiment consists of, in plain words that need no torch to read.

    ``trials`` are ids in plan order; ``axes`` the outcome columns along which the trials differ besides the seed, init
    first; ``target_metric`` and ``target_value`` what counts as trained. ``selection_seeds`` chose the learning rates
    and are not used to compare. ``portion`` is what there is of an experiment of which this is a part.
    """

    name: str
    trials: tuple[str, ...]
    axes: tuple[str, ...]
    target_metric: str
    target_value: float
    selection_seeds: tuple[int, ...] = ()
    portion: Portion | None = None


@dataclass(frozen=True)
class Records:
    """The three tables. Columns are documented in ``docs/records.md``; a missing value is NaN or None."""

    outcomes: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame

    def of(self, ids: Sequence[str]) -> Records:
        """The rows of these trials, in the order of ``ids``, then step, then layer; of duplicates the first."""
        position = pd.Index(list(dict.fromkeys(ids)), dtype=object)

        def ordered(name: str, table: pd.DataFrame) -> pd.DataFrame:
            places = position.get_indexer(pd.Index(table["id"], dtype=object))
            keys = [places, *(table[key].to_numpy() for key in KEYS[name][1:])]
            order = np.lexsort(keys[::-1])  # stable
            order = order[places[order] >= 0]
            repeated = np.logical_and.reduce([np.diff(key[order]) == 0 for key in keys])
            kept = order[np.append(True, ~repeated)[: len(order)]]
            found: pd.DataFrame = table.iloc[kept].reset_index(drop=True)
            return found

        return Records(**{name: ordered(name, getattr(self, name)) for name in TABLES})


@dataclass(frozen=True)
class Results:
    """A results folder as read: the experiment's own records, and what was found that could not be used."""

    path: Path
    manifest: Manifest
    records: Records
    experiment: str
    provenance: Mapping[str, Any]
    problems: tuple[str, ...] = field(default=())
