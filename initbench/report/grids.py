"""Grids: the tables that people read, as strings. Terminal and Markdown draw the same ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from initbench.analysis import Comparison, cells, layers, wording


@dataclass(frozen=True)
class _Signal:
    title: str
    column: str
    backward: bool
    neighbor: str


_SIGNALS = (
    _Signal("Activation variance", "activation_variance", backward=False, neighbor="next"),
    _Signal("Gradient variance", "grad_variance", backward=True, neighbor="one before, as gradients travel"),
)
FEWEST_FOR_AN_INTERVAL = 6  # seeds: the sign test cannot exclude anything with fewer
_SPOTS = ("first", "middle", "last")


@dataclass(frozen=True)
class Column:
    """One column: a heading and a cell for each row, with line breaks where narrow output folds them.

    ``names`` marks what tells the rows apart; of the columns with a ``spare``, a narrow terminal leaves out the
    highest first.
    """

    heading: str
    cells: tuple[str, ...]
    numeric: bool = False
    names: bool = False
    spare: int = 0


@dataclass(frozen=True)
class Grid:
    """A table of strings with what explains it; ``sections`` names the setting of each row, to draw a rule between."""

    title: str
    columns: tuple[Column, ...]
    caption: str
    sections: tuple[str, ...]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The cells by row."""
        return list(zip(*(column.cells for column in self.columns), strict=True))


def schemes(comparison: Comparison) -> Grid:
    """The main table: a row per scheme (and setting) with how it fared."""
    table = comparison.schemes
    rows = records(table)
    accuracy = bool(table["final_test_accuracy_mean"].notna().any())
    columns = [
        *identity(comparison, table),
        Column("reached", tuple(f"{row['reached']}/{row['trials']}" for row in rows), numeric=True),
        Column("steps to\ntarget", tuple(_steps(row) for row in rows), numeric=True),
        Column("final\ntrain loss", tuple(_final(row, "train_loss") for row in rows), numeric=True, spare=2),
        Column("final test\naccuracy (%)", tuple(_final(row, "test_accuracy") for row in rows), numeric=True, spare=1)
        if accuracy
        else Column("final\ntest loss", tuple(_final(row, "test_loss") for row in rows), numeric=True, spare=1),
        Column("state", tuple(str(row["states"]).replace(", ", ",\n") for row in rows)),
    ]
    return Grid(
        title=f"{comparison.results.manifest.name}: which initialization reaches {comparison.target}",
        columns=tuple(columns),
        caption=_scheme_caption(rows),
        sections=sections(comparison, table),
    )


def layer_signals(comparison: Comparison) -> list[Grid]:
    """Activation and gradient variance at three hidden layers at the first probe; empty if nothing was probed."""
    probed = comparison.profiles[comparison.profiles["probe"] == layers.FIRST]
    if probed.empty:
        return []
    networks = [profile for _, profile in cells.by_cell(probed, comparison.axes)]
    steps = wording.listing([str(step) for step in sorted({int(step) for step in probed["step"]})])
    heads = pd.concat([profile.head(1) for profile in networks])
    named = Grid("", tuple(identity(comparison, heads)), "", sections(comparison, heads))
    return [
        _signal(named, networks, signal, f"{signal.title} in the hidden layers at step {steps}") for signal in _SIGNALS
    ]


def _signal(named: Grid, networks: Sequence[pd.DataFrame], signal: _Signal, title: str) -> Grid:
    """One of the tables; the rows are those of ``named``."""
    spots = [layers.spots(profile) for profile in networks]
    names = [f"layer {layer}" for layer in spots[0]] if len(set(spots)) == 1 else [f"{spot} layer" for spot in _SPOTS]
    column = f"{signal.column}_geomean"
    known = [dict(zip(profile["layer"], profile[column].astype(float), strict=True)) for profile in networks]
    shown = {
        name: tuple(wording.variance(values.get(spot[i], math.nan)) for values, spot in zip(known, spots, strict=True))
        for i, name in enumerate(names)
    }
    rates = (layers.growth(profile, column, backward=signal.backward) for profile in networks)
    return Grid(
        title=title,
        columns=(
            *named.columns,
            *(Column(name, values, numeric=True, spare=i % 2) for i, (name, values) in enumerate(shown.items())),
            Column("per layer", tuple(map(wording.factor, rates)), numeric=True),
        ),
        caption=f"Geometric mean over seeds. Per layer: the factor from one hidden layer to the {signal.neighbor}.",
        sections=named.sections,
    )


def unfinished(comparison: Comparison) -> list[str]:
    """A line for each trial that diverged or failed, with its step and layer, or its reason."""
    ended = comparison.trials[comparison.trials["status"] != "finished"]
    lines = []
    for setting, rows in cells.by_setting(ended, comparison.axes):
        where = f" ({setting})" if setting else ""
        lines += [f"{row['init']}{where}, seed {wording.setting(row['seed'])}: {_ending(row)}" for row in records(rows)]
    return lines


def _ending(row: Mapping[str, Any]) -> str:
    reason = str(row["reason"]).partition("\n")[0] if pd.notna(row["reason"]) else ""
    if row["status"] != "diverged":
        return f"failed: {reason or 'no reason recorded'}"
    if reason:
        return f"diverged: {reason}"
    step = f" at step {wording.steps(float(row['diverged_step']))}" if pd.notna(row["diverged_step"]) else ""
    layer = f", first bad layer {row['first_bad_layer']}" if pd.notna(row["first_bad_layer"]) else ""
    return f"diverged{step}{layer}"


def identity(comparison: Comparison, table: pd.DataFrame) -> list[Column]:
    """The columns that say what a row is about: the swept axes and the scheme."""
    titles = cells.axis_titles(comparison.axes)
    scheme = Column("scheme", tuple(str(name) for name in table[cells.SCHEME]), names=True)
    return [
        *(
            Column(titles[axis], tuple(map(wording.setting, table[axis])), names=True)
            for axis in cells.swept(comparison.axes)
        ),
        scheme,
    ]


def sections(comparison: Comparison, table: pd.DataFrame) -> tuple[str, ...]:
    """The setting of each row of a table that is ordered by setting."""
    return tuple(name for name, rows in cells.by_setting(table, comparison.axes) for _ in range(len(rows)))


def _steps(row: Mapping[str, Any]) -> str:
    """The median, and below it the ends of its interval where the seeds differ."""
    median = wording.steps(float(row["steps_to_target_median"]))
    low, high = float(row["steps_to_target_low"]), float(row["steps_to_target_high"])
    if math.isnan(low) or low == high:
        return median
    return f"{median}\n({wording.steps(low)}–{'∞' if math.isinf(high) else wording.steps(high)})"


def _final(row: Mapping[str, Any], metric: str) -> str:
    """Mean ± sd over the finished trials, with their number where it is not all of them."""
    if not row["finished"]:
        return "diverged" if row["diverged"] else "failed"
    spread = wording.percent_mean_sd if metric.endswith("accuracy") else wording.mean_sd
    text = spread(float(row[f"final_{metric}_mean"]), float(row[f"final_{metric}_sd"]))
    return text if row["finished"] == row["trials"] else f"{text}\n(n={row['finished']})"


def _scheme_caption(rows: Sequence[Mapping[str, Any]]) -> str:
    if all(row["trials"] == 1 for row in rows):
        return "One seed each: a single draw, without spread."
    few = all(row["trials"] < FEWEST_FOR_AN_INTERVAL for row in rows)
    ends = "the range over them" if few else "its 95 % interval"
    steps = f"Steps: the median over seeds, a miss counting as infinite ({ends}). "
    partial = any(row["finished"] < row["trials"] for row in rows)
    n = " that finished (n where not all did)" if partial else ""
    return f"{steps}Final values: mean ± standard deviation over the seeds{n}."


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table by the names of its columns."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
