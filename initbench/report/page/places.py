"""Where a trial is drawn: the number of its scheme and of its setting, by which the page's data refer to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from initbench.analysis import Comparison, cells

SCHEME, SETTING = "_scheme", "_setting"


@dataclass(frozen=True)
class Places:
    """Schemes and settings in the order of the tables, and ``trials`` with the columns ``id, _scheme, _setting``."""

    schemes: tuple[str, ...]
    settings: tuple[str, ...]
    trials: pd.DataFrame

    def join(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rows of a table that has an ``id``, with their places."""
        return table.astype({"id": object}).merge(self.trials, on="id")


def places(comparison: Comparison) -> Places:
    """Number the schemes and settings of a comparison."""
    trials = comparison.trials
    schemes = tuple(comparison.names)
    rank = {name: index for index, name in enumerate(schemes)}
    settings = tuple(name for name, _ in cells.by_setting(trials, comparison.axes)) if len(trials) else ()
    numbered = pd.DataFrame(
        {
            "id": trials["id"].astype(object),
            SCHEME: [rank[str(name)] for name in trials[cells.SCHEME]],
            SETTING: cells.setting_numbers(trials, comparison.axes),
        }
    )
    return Places(schemes, settings, numbered)


def by_place(rows: pd.DataFrame) -> dict[tuple[int, int], pd.DataFrame]:
    """The rows of each cell by the numbers of its setting and scheme, in this order."""
    found = {}
    for key, own in rows.groupby([SETTING, SCHEME]):
        setting, scheme = np.asarray(key, dtype=int).tolist()
        found[setting, scheme] = own
    return found
