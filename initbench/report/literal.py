"""Names in figures, drawn as they are: a dollar sign of theirs begins no formula, and control characters are shown."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.text import Text

from initbench.printable import one_line, printable


def literal(figure: Figure) -> Figure:
    """The figure, all texts in it to be drawn as they are; those of ticks, which may be powers of ten, excepted."""
    ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks())
        for label in (tick.label1, tick.label2, axis.get_offset_text())
    }
    for text in figure.findobj(Text):
        if isinstance(text, Text) and text not in ticks:
            text.set_parse_math(False)
            text.set_text(printable(text.get_text()))
    return figure


def tick(name: str) -> str:
    """A name as the label of a tick."""
    return one_line(name).replace("$", r"\$")
