"""A sweep in two dimensions: every scheme in every setting, at its place in a map.

Along one axis the schemes run down. With more, the axis with the most values runs across, and the others, folded into
one, run down. The value of a cell is its median number of steps to the target, or its final train loss where no scheme
reached the target anywhere.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from initbench.analysis import Comparison, cells, wording
from initbench.report import sweeps
from initbench.report.grids import records

STEPS, LOSS = "steps_to_target_median", "final_train_loss_mean"
DIVERGED, FAILED = "×", "!"

Place = tuple[int, int]
"""Down, and across."""


@dataclass(frozen=True)
class Cell:
    """One scheme in one setting; ``value`` is NaN where it has none, and ``words`` then says why."""

    scheme: str
    place: Place
    value: float
    words: str


@dataclass(frozen=True)
class Plane:
    """The two sides of a map by the names of their places, and what stands in it."""

    down: tuple[str, ...]
    across: tuple[str, ...]
    titles: tuple[str, str]
    """Of the sides; the first is "" where schemes run down."""
    column: str
    """What the values are: ``STEPS`` or ``LOSS``."""
    cells: tuple[Cell, ...]

    @property
    def values(self) -> list[float]:
        """Those that there are."""
        return [cell.value for cell in self.cells if not math.isnan(cell.value)]

    def of(self, scheme: str) -> Plane:
        """The same map with the cells of one scheme alone."""
        return replace(self, cells=tuple(cell for cell in self.cells if cell.scheme == scheme))

    @property
    def uncontested(self) -> set[Place]:
        """The places at which a single scheme was tried, so that none is the best."""
        return {place for place, tried in Counter(cell.place for cell in self.cells).items() if tried == 1}

    def winners(self, *, of_columns: bool = False) -> dict[Place, list[Cell]]:
        """The best of each place, or of each column under the place at its top; several where they tie.

        None where a single scheme was tried.
        """
        places = [(0, cell.place[1]) if of_columns else cell.place for cell in self.cells]
        best: dict[Place, list[Cell]] = {}
        for place, cell in zip(places, self.cells, strict=True):
            held = best.get(place, [])
            if not math.isnan(cell.value) and (not held or cell.value <= held[0].value):
                best[place] = [*(one for one in held if one.value == cell.value), cell]
        tried = Counter(places)
        return {place: held for place, held in best.items() if tried[place] > 1}


def plane(comparison: Comparison) -> Plane | None:
    """A comparison as a map; None where nothing is swept, or nothing has a value."""
    table = comparison.schemes
    axes = cells.swept(comparison.axes)
    if not axes or table.empty:
        return None
    column = next((name for name in (STEPS, LOSS) if np.isfinite(table[name].astype(float)).any()), None)
    if column is None:
        return None
    across = max(reversed(axes), key=lambda axis: table[axis].nunique(dropna=False))
    down = [axis for axis in axes if axis != across] or [cells.SCHEME]
    rows = records(table)
    settings = [tuple(wording.setting(row[axis]) for axis in down) for row in rows]
    lines = _lines(
        [comparison.names if axis == cells.SCHEME else sweeps.values_of(table[axis]) for axis in down], set(settings)
    )
    columns = {value: index for index, value in enumerate(sweeps.values_of(table[across]))}
    titles = cells.axis_titles(comparison.axes)
    return Plane(
        down=tuple(", ".join(key) for key in lines),
        across=tuple(columns),
        titles=("" if down == [cells.SCHEME] else ", ".join(titles[axis] for axis in down), titles[across]),
        column=column,
        cells=tuple(
            _cell(row, column, (lines[key], columns[wording.setting(row[across])]))
            for row, key in zip(rows, settings, strict=True)
        ),
    )


def _lines(values: Sequence[Sequence[str]], there: set[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
    """The combinations of values that occur, in their order."""
    return {key: line for line, key in enumerate(key for key in product(*values) if key in there)}


def _cell(row: Mapping[str, Any], column: str, place: Place) -> Cell:
    value = float(row[column])
    if math.isfinite(value):
        words = wording.steps(value) if column == STEPS else wording.significant(value)
        return Cell(str(row[cells.SCHEME]), place, value, words)
    why = {"diverged": DIVERGED, "failed": FAILED}.get(str(row["state"]), wording.MISSING)
    return Cell(str(row[cells.SCHEME]), place, math.nan, why)
