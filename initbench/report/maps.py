"""Maps of a sweep: which scheme was best in each cell of the swept axes, and beside it how every scheme did there.

One axis makes a single map of schemes by values; more make a map of the winners and one for each scheme (``plane``).
Cells are of one size whatever the axis, so that categories and values that grow by factors are as legible as others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter

from initbench.analysis import Comparison, cells, wording
from initbench.report import panels, sweeps
from initbench.report.literal import tick
from initbench.report.palette import COLORS, Look, looks
from initbench.report.plane import DIVERGED, FAILED, STEPS, Place, Plane, plane

_COLORS = "cividis_r"  # told apart by the color-blind and in grey; dark is more
_BLANK = (0.94, 0.94, 0.94, 1.0)  # the ground of a cell without a value
_TIE = (0.75, 0.75, 0.75, 0.3)
_INK = "0.15"
_UNEVEN = 8.0  # largest over smallest value from which the colors are on a log scale
_CELL, _SMALL_CELL = (0.62, 0.36), (0.2, 0.16)  # inches, with words in it and without
_MOST_WORDS = (18, 36)  # cells across and down up to which they have words
_WIDEST, _TALLEST = 12.0, 14.0  # inches, of a row of maps, and of one
_CHARACTER = 0.075  # inches, of a label
_LONGEST = 36  # characters of a label; the tables have all
_MOST_LABELS = 40  # along one side
_MOST_WINNERS = 3  # marked in one cell

Shade = tuple[float, ...]


def draw(comparison: Comparison) -> Figure | None:
    """The maps; None where nothing is swept, and for one scheme along one axis, which its curves show better."""
    whole = plane(comparison)
    schemes = looks(comparison.names)
    axes = cells.swept(comparison.axes)
    if whole is None or (len(axes) == 1 and len(schemes) == 1):
        return None
    title = f"steps to {comparison.target}" if whole.column == STEPS else "final train loss"
    values = whole.values
    uneven = min(values) > 0 and max(values) / min(values) > _UNEVEN
    scale = LogNorm if uneven else Normalize
    colors = ScalarMappable(scale(min(values), max(values)), mpl.colormaps[_COLORS])
    if len(axes) == 1:
        figure, found = _panels(whole, 1)
        _values(found[0], whole, colors)
        _frame(found[0], [cell.place for best in whole.winners(of_columns=True).values() for cell in best])
    else:
        several = len(schemes) > 1
        figure, found = _panels(whole, len(schemes) + several)
        if several:
            found[0].set_title("the best scheme", fontsize=10, loc="left", fontweight="bold")
            _winners(found[0], whole, schemes)
        for scheme, panel in zip(schemes, found[several:], strict=True):
            panel.set_title(_short(scheme), fontsize=10, loc="left")
            _values(panel, whole.of(scheme), colors)
    _bar(figure, found, colors, title)
    panels.finish(
        figure,
        f"{title[0].upper()}{title[1:]}{sweeps.over_the_sweep(comparison)}, {comparison.results.manifest.name}",
        schemes if len(axes) > 1 and len(schemes) > 1 else {},
        explanation=_explanation(whole, by_scheme=len(axes) > 1, several=len(schemes) > 1),
    )
    return figure


def _has_words(whole: Plane) -> bool:
    """Whether values stand in the cells."""
    return len(whole.across) <= _MOST_WORDS[0] and len(whole.down) <= _MOST_WORDS[1]


def _size(whole: Plane) -> tuple[float, float]:
    """Width and height of a map in inches."""
    width, height = _CELL if _has_words(whole) else _SMALL_CELL
    return min(len(whole.across) * width, _WIDEST), min(len(whole.down) * height, _TALLEST)


def _panels(whole: Plane, count: int) -> tuple[Figure, list[Axes]]:
    """So many maps of the same plane, as many in a row as fit; only the outermost are labeled."""
    width, height = _size(whole)
    columns = max(1, min(count, int(_WIDEST / (width + 0.3))))
    rows = math.ceil(count / columns)
    margin = 1.7 + _CHARACTER * max(len(_short(name)) for name in whole.down)
    figure = Figure(
        figsize=(max(6.0, columns * (width + 0.3) + margin), rows * (height + 0.45) + 0.6), layout="constrained"
    )
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[count:]:
        spare.set_visible(False)
    for index, panel in enumerate(axes[:count]):
        _sides(panel, whole, lowest=index + columns >= count, leftmost=index % columns == 0)
    return figure, list(axes[:count])


def _sides(panel: Axes, whole: Plane, *, lowest: bool, leftmost: bool) -> None:
    """Name the places of both sides, every few of them where there are many."""
    panel.set_xlim(0, len(whole.across))
    panel.set_ylim(len(whole.down), 0)
    for axis, names, shown in ((panel.xaxis, whole.across, lowest), (panel.yaxis, whole.down, leftmost)):
        every = math.ceil(len(names) / _MOST_LABELS)
        axis.set_ticks([place + 0.5 for place in range(0, len(names), every)])
        axis.set_ticklabels([tick(_short(name)) for name in names[::every]] if shown else [])
        axis.set_tick_params(length=0, labelsize=8)
    if max(map(len, whole.across)) * _CHARACTER > _size(whole)[0] / len(whole.across):
        panel.tick_params(axis="x", rotation=90)
    panel.set_xlabel(whole.titles[1] if lowest else "")
    panel.set_ylabel(whole.titles[0] if leftmost else "")
    for spine in panel.spines.values():
        spine.set_visible(False)


def _values(panel: Axes, own: Plane, colors: ScalarMappable) -> None:
    """Each cell in the color of its value, with the value in it."""
    shades = {
        cell.place: _BLANK if math.isnan(cell.value) else tuple(colors.to_rgba(np.array([cell.value]))[0].tolist())
        for cell in own.cells
    }
    _fill(panel, own, shades)
    for cell in own.cells if _has_words(own) else ():
        dark = np.dot(shades[cell.place][:3], (0.299, 0.587, 0.114)) < 0.5  # the luma of Rec. 601
        _write(panel, cell.place, cell.words, "white" if dark else _INK)


def _winners(panel: Axes, whole: Plane, schemes: Mapping[str, Look]) -> None:
    """Each cell in the color of its winner, with its marker and value; several markers and no color where they tie."""
    won, words = whole.winners(), _has_words(whole)
    shades = dict.fromkeys((cell.place for cell in whole.cells), _BLANK)
    for (down, across), winners in won.items():
        shades[down, across] = to_rgba(schemes[winners[0].scheme].color, 0.3) if len(winners) == 1 else _TIE
        shown = winners[:_MOST_WINNERS]
        for index, winner in enumerate(shown):
            look, aside = schemes[winner.scheme], 0.26 * (index - (len(shown) - 1) / 2)
            panel.plot(across + 0.5 + aside, down + (0.3 if words else 0.5), marker=look.marker, color=look.color,
                       markersize=5 if words else 3, in_layout=False)  # fmt: skip
    _fill(panel, whole, shades)
    for place in shades if words else ():
        best = won.get(place)
        if place in whole.uncontested:
            continue
        _write(panel, place, best[0].words if best else wording.MISSING, _INK, height=0.72 if best else 0.5)


def _fill(panel: Axes, own: Plane, shades: Mapping[Place, Shade]) -> None:
    """The ground of every cell; white where nothing was trained."""
    ground = np.ones((len(own.down), len(own.across), 4))
    for place, shade in shades.items():
        ground[place] = shade
    panel.pcolormesh(ground, edgecolors="white", linewidth=1.0 if _has_words(own) else 0.3)


def _write(panel: Axes, place: Place, words: str, color: str, height: float = 0.5) -> None:
    at = (place[1] + 0.5, place[0] + height)
    panel.text(*at, words, ha="center", va="center", fontsize=8 if height == 0.5 else 7, color=color, in_layout=False)


def _frame(panel: Axes, places: list[Place]) -> None:
    for down, across in places:
        box = Rectangle((across + 0.04, down + 0.06), 0.92, 0.88, fill=False, edgecolor=COLORS[1], linewidth=1.8)
        panel.add_patch(box).set_in_layout(False)


def _bar(figure: Figure, maps: list[Axes], colors: ScalarMappable, title: str) -> None:
    bar = figure.colorbar(colors, ax=maps, shrink=min(1.0, 3.0 / figure.get_size_inches()[1]), aspect=16, pad=0.02)
    bar.set_label(title, fontsize=8)
    bar.ax.tick_params(labelsize=8)
    if isinstance(colors.norm, LogNorm):
        bar.ax.yaxis.set_major_formatter(ScalarFormatter())
        bar.ax.yaxis.set_minor_formatter(NullFormatter())
    elif title.startswith("steps"):
        bar.ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def _explanation(whole: Plane, *, by_scheme: bool, several: bool) -> str:
    steps = whole.column == STEPS
    text = "Median over seeds" if steps else "No scheme reached the target in most seeds. Mean over seeds"
    reasons = {
        wording.MISSING: "at least half of the seeds missed it" if steps else "no value",
        DIVERGED: "diverged",
        FAILED: "failed",
    }
    there = {cell.words for cell in whole.cells if math.isnan(cell.value)}
    said = [f"{sign} {reason}" for sign, reason in reasons.items() if sign in there]
    maps = len({cell.scheme for cell in whole.cells}) if by_scheme else 1
    said += ["blank not tried"] if len(whole.cells) < maps * len(whole.down) * len(whole.across) else []
    text += f"; {', '.join(said)}." if said else "."
    if several:
        places = [cell.place if by_scheme else (0, cell.place[1]) for cell in whole.cells]
        contested = ", where two were tried" if 1 in Counter(places).values() else ""
        what = "Color and marker: the best scheme of each cell" if by_scheme else "Framed: the best of each column"
        text += f" {what}{contested}."
        text += " The best by a hair may be so by chance; the paired claims say where it is not."
    return text


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
