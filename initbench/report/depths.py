"""Signals against depth: activation or gradient variance by layer, on a log scale, a line per scheme.

Where theory made a prediction the points are what was measured and the line is the prediction, in the shaded band that
holds single networks of this width; elsewhere the line joins what was measured.

What a log scale cannot show is marked, never dropped: a variance of exactly zero at the lower edge, at the upper edge
one that is not finite, or that a scheme left behind when all of its seeds diverged and that would flatten the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

from initbench.analysis import Comparison, cells, layers, wording
from initbench.report import panels
from initbench.report.palette import Look, looks

_MOST_PAIRS = 4  # settings up to which the last probe gets panels of its own
_DECADES = 2.0  # at least, so that two ticks are powers of ten and noise looks like noise
_STACKING = 0.022  # height, as a fraction of the panel, between the edge marks of two schemes

TITLES = {"activation_variance": "Activation variance", "grad_variance": "Gradient variance"}


def draw(comparison: Comparison, column: str) -> Figure | None:
    """``activation_variance`` or ``grad_variance`` by layer at the first and last probe; None without data."""
    profiles = comparison.profiles
    settings = list(cells.by_setting(profiles, comparison.axes)) if len(profiles) else []
    if not settings:
        return None
    probes = [probe for probe in (layers.FIRST, layers.LAST) if (profiles["probe"] == probe).any()]
    shown = probes if len(settings) <= _MOST_PAIRS else probes[:1]
    drawn, left_out = panels.shown(settings)
    schemes = looks(comparison.names)
    paired = len(shown) > 1
    figure, axes = panels.grid(
        len(drawn) * len(shown), share="row" if paired else "none", columns=2 if paired else panels.MOST_COLUMNS
    )
    visible = profiles[profiles["probe"].isin(shown)]
    facets = [(setting, rows[rows["probe"].isin(shown)], probe) for setting, rows in drawn for probe in shown]
    calm = _calm(comparison, profiles)
    for panel, (setting, rows, probe) in zip(axes, facets, strict=True):
        moment = rows[rows["probe"] == probe]
        _scale(panel, rows, f"{column}_geomean", calm[rows.index])
        _lines(panel, moment, f"{column}_geomean", schemes)
        panel.set_title(", ".join(filter(None, [setting, _moment(moment["step"])])), fontsize=10, loc="left")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        panels.name_axes(panel, "layer (the last is the output layer)", TITLES[column].lower())
    panels.finish(figure, f"{TITLES[column]} by layer, {comparison.results.manifest.name}", schemes,
                  explanation=_explanation(comparison, visible, column, axes) + left_out,
        notes=panels.endings(comparison))  # fmt: skip
    return figure


def _lines(panel: Axes, rows: pd.DataFrame, column: str, schemes: Mapping[str, Look]) -> None:
    edge = panel.get_xaxis_transform()
    heights = {"v": 0.0, "x": 1.0}
    for name, line in rows.groupby(cells.SCHEME, sort=False):
        look, layer, variance = schemes[str(name)], line["layer"], line[column].astype(float)
        style = panels.markings(look, len(layer))
        if _predicted(panel, line, column, look):
            style |= {"linestyle": "none", "markevery": 1, "markersize": 3.5}
        beyond = ~(variance <= panel.get_ylim()[1])  # not a number, or too large to be shown
        panel.plot(layer, variance.where(~beyond & (variance > 0)), **style)
        for sign, marked, shift in (("v", variance == 0, _STACKING), ("x", beyond, -_STACKING)):
            if marked.any():
                heights[sign] += shift
                at = np.full(int(marked.sum()), heights[sign])
                panel.plot(layer[marked], at, sign, color=look.color, transform=edge, markersize=5, zorder=6)


def _predicted(panel: Axes, line: pd.DataFrame, column: str, look: Look) -> bool:
    """Draw the prediction and its band, where there is one that a log scale can show."""
    value, low, high = (line[name].astype(float) for name in _prediction(column))
    shown = value > 0
    if not shown.any():
        return False
    layer = line["layer"].to_numpy()
    panel.plot(layer, value.where(shown), color=look.color, linestyle=look.line, linewidth=1.2, zorder=2.5)
    panel.fill_between(layer, low.where(shown), high.where(shown), color=look.color, alpha=0.13, linewidth=0, zorder=1)
    return True


def _prediction(column: str) -> list[str]:
    return [f"predicted_{column.removesuffix('_geomean')}{end}_geomean" for end in ("", "_low", "_high")]


def _calm(comparison: Comparison, profiles: pd.DataFrame) -> pd.Series:
    """Which rows set the scale: those before training, and of later ones those of schemes that finished somewhere."""
    axes, schemes = list(comparison.axes), comparison.schemes
    ended = {tuple(map(wording.setting, cell)) for cell in schemes.loc[schemes["finished"] == 0, axes].to_numpy()}
    diverged = [tuple(map(wording.setting, cell)) in ended for cell in profiles[axes].to_numpy()]
    return (profiles["probe"] == layers.FIRST) | ~pd.Series(diverged, index=profiles.index, dtype=bool)


def _scale(panel: Axes, rows: pd.DataFrame, column: str, calm: pd.Series) -> None:
    """A log scale around what is measured and predicted, with room at the edges for what has no place on it."""
    variance = rows[column].astype(float)
    own = rows[calm] if calm[rows["probe"] == layers.LAST].any() else rows
    shown = own[[column, *_prediction(column)]].to_numpy(dtype=float)
    drawn = np.log10(shown[np.isfinite(shown) & (shown > 0)])
    low, high = (float(drawn.min()), float(drawn.max())) if len(drawn) else (-3.0, 0.0)
    missing = max(_DECADES - (high - low), 0.0)
    low, high = low - missing / 2, high + missing / 2
    span = high - low
    below, above = (
        0.03 + 1.6 * _STACKING * len(set(rows.loc[marked, cells.SCHEME]))
        for marked in (variance == 0, ~(variance <= 10**high))
    )
    panel.set_yscale("log")
    panel.set_ylim(10 ** (low - span * below), 10 ** (high + span * above))
    panel.yaxis.set_major_locator(LogLocator(numticks=9))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.set_xlim(0.5, float(rows["layer"].max()) + 0.5)


def _moment(steps: pd.Series) -> str:
    step = int(steps.max()) if len(steps) else 0
    return "before training" if step == 0 else f"after {wording.count(step, 'step')}"


def _explanation(comparison: Comparison, profiles: pd.DataFrame, column: str, axes: Sequence[Axes]) -> str:
    variance = profiles[f"{column}_geomean"].astype(float)
    text = "Geometric mean over seeds."
    if profiles[_prediction(column)[0]].gt(0).any():
        text = (
            "Points: measured, geometric mean over seeds. Line: mean-field prediction from the weights as drawn, "
            "shaded where 95 % of single networks of this width lie."
        )
        if (profiles["probe"] == layers.LAST).any():
            text += " After training there is no prediction; the line joins the points."
    if cells.swept(comparison.axes):
        text += " Each setting has its own scale."
    if (variance == 0).any():
        text += " Triangle on the lower edge: exactly zero."
    if any(line.get_marker() == "x" for panel in axes for line in panel.lines):
        text += " × on the upper edge: not finite, or left behind by a scheme that diverged in every seed."
    if comparison.schemes["diverged"].any() and (profiles["probe"] == layers.LAST).any():
        text += " A seed that diverged counts as far as it was probed."
    return text
