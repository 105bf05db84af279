"""Plain tables: outcomes, curves and layers as CSV, tidy: one row per observation, with all that tells it apart."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from initbench.analysis import outcomes
from initbench.export._base import Destination, Tracker, Written, folder_alone
from initbench.export._runs import SEEDS
from initbench.records import Results, write_text


class Csv(Tracker):
    """``outcomes.csv``, ``curves.csv`` and ``layers.csv``, in full precision; a second export replaces them."""

    part = "table"

    def __init__(self, results: Results, destination: Destination) -> None:
        self._results = results
        self._folder = folder_alone(destination, results.path / "csv")

    @property
    def place(self) -> str:
        """The folder of the tables."""
        return str(self._folder)

    @property
    def opening(self) -> str:
        """How to read one."""
        return f"pandas.read_csv({str(self._folder / 'curves.csv')!r})"

    def write(self) -> Iterator[Written]:
        """Write the three tables."""
        trials = outcomes.trials(self._results)
        records = self._results.records
        apart = ["id", *self._results.manifest.axes, *(seed for seed in SEEDS if seed in trials)]
        tables = {
            "outcomes": trials,
            "curves": _told_apart(records.curves, trials[apart]),
            "layers": _told_apart(records.layers, trials[apart]),
        }
        for done, (name, table) in enumerate(tables.items(), start=1):
            write_text(self._folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
            yield Written(done, len(tables))


TRACKER = Csv


def _told_apart(table: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """The rows in their order, each after the scheme, settings and seeds of its trial."""
    clear = trials.loc[:, ["id", *(column for column in trials.columns[1:] if column not in table)]]
    return clear.merge(table, on="id", how="right")[[*clear.columns, *table.columns.drop("id")]]
