"""Panels: small multiples under one legend, the frame that every figure shares."""

from __future__ import annotations

import io
import math
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from initbench.analysis import Comparison, cells
from initbench.report.page.numbers import picked
from initbench.report.palette import Look

MOST_COLUMNS = 3
MOST_PANELS, FEW_PANELS = 12, 6
"""Settings up to which each has a panel, and the number drawn of more: fifty show nothing and take a minute."""
_CHARACTERS_PER_INCH = 13.0  # of the small print
_LINE = 0.2  # inches

T = TypeVar("T")


def grid(count: int, *, share: Literal["all", "row", "none"], columns: int = MOST_COLUMNS) -> tuple[Figure, list[Axes]]:
    """A figure with so many panels. They share both axes, or those of a row do, or each has its own."""
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    width, height = (8.0, 4.4) if count == 1 else (5.0, 3.6) if columns == 2 else (4.0, 2.8)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=share, sharey=share, squeeze=False).ravel()
    for spare in axes[count:]:
        spare.set_visible(False)
    for panel in axes[:count]:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(color="0.9", linewidth=0.6)
        panel.set_axisbelow(True)
    for above, below in zip(axes, axes[columns:], strict=False):
        above.tick_params(labelbottom=share != "all" or not below.get_visible())
    return figure, list(axes[:count])


def shown(settings: Sequence[T]) -> tuple[list[T], str]:
    """The settings that get a panel, evenly spaced over all of them, and a sentence that says so where some do not."""
    if len(settings) <= MOST_PANELS:
        return list(settings), ""
    places = picked(len(settings), FEW_PANELS)
    note = f" {FEW_PANELS} of {len(settings)} settings, evenly spaced; the page and summary.csv have all."
    return [settings[place] for place in places], note


def finish(
    figure: Figure, title: str, looks: Mapping[str, Look], *, explanation: str, notes: Mapping[str, str] | None = None
) -> None:
    """Add the heading above and the legend below, enlarging the figure by what they need.

    The legend shows every scheme in its look, whether or not a line of it is visible; ``notes`` follow a scheme's name
    ("diverged 5/5"); ``explanation`` says how to read the lines.
    """
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(explanation, int(width * _CHARACTERS_PER_INCH))
    labels = [_label(name, notes) for name in looks]
    longest = max(map(len, labels), default=0)
    columns = max(1, min(4, len(labels), int(width / (0.9 + longest / _CHARACTERS_PER_INCH))))
    above = 0.38 + _LINE * len(lines)
    below = _LINE * math.ceil(len(labels) / columns) + 0.15
    total = height + above + below
    figure.set_size_inches(width, total)
    engine = figure.get_layout_engine()
    if isinstance(engine, ConstrainedLayoutEngine):
        engine.set(rect=(0, below / total, 1, height / total))
    figure.text(0.1 / width, 1 - 0.1 / total, title, va="top", fontsize=12, fontweight="bold")
    figure.text(0.1 / width, 1 - 0.36 / total, "\n".join(lines), va="top", fontsize=9, color="0.3")
    handles = [
        Line2D([], [], color=look.color, linestyle=look.line, marker=look.marker, markersize=5, label=label)
        for label, look in zip(labels, looks.values(), strict=True)
    ]
    if handles:
        figure.legend(handles=handles, loc="lower center", ncols=columns, frameon=False, fontsize=9, handlelength=3.2,
                  borderaxespad=0.2)  # fmt: skip


def endings(comparison: Comparison) -> Mapping[str, str]:
    """What the legend adds to a scheme's name: how many of its trials diverged or failed."""
    totals = comparison.schemes.groupby(cells.SCHEME, sort=False)[["trials", "diverged", "failed"]].sum()
    notes = {}
    for name, row in totals.iterrows():
        parts = [f"{state} {row[state]}/{row['trials']}" for state in ("diverged", "failed") if row[state]]
        notes[str(name)] = ", ".join(parts)
    return notes


def name_axes(panel: Axes, horizontal: str, vertical: str) -> None:
    """Name the axes once: below the lowest panels and left of the first column."""
    place = panel.get_subplotspec()
    if place is None or place.is_last_row() or panel.xaxis.get_tick_params()["labelbottom"]:
        panel.set_xlabel(horizontal)
    if place is None or place.is_first_col():
        panel.set_ylabel(vertical)


def markings(look: Look, points: int) -> dict[str, Any]:
    """Line options of a scheme; markers are spread so that lines which coincide show one another."""
    every = max(1, points // 8)
    return {
        "color": look.color,
        "linestyle": look.line,
        "marker": look.marker,
        "markersize": 4.5,
        "markevery": (look.rank % every, every),
        "linewidth": 1.7,
        "zorder": 3 + 0.01 * look.rank,
    }


def encode(figure: Figure, kind: str) -> bytes:
    """A figure as the bytes of a ``png``, ``svg`` or ``pdf`` file."""
    sink = io.BytesIO()
    date = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with (
        mpl.rc_context({"svg.fonttype": "path", "svg.hashsalt": "initbench"}),  # equal tables, equal bytes
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing")  # a script that the font lacks is drawn as boxes
        figure.savefig(sink, format=kind, dpi=150, metadata=date)
    figure.set_layout_engine("none")  # found once, the places of the panels hold for the other kinds of file
    return sink.getvalue()


def _label(name: str, notes: Mapping[str, str] | None) -> str:
    note = (notes or {}).get(name)
    return f"{name} ({note})" if note else name
