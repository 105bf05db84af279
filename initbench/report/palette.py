"""One look for each scheme: a colour-blind-safe colour, and a line and marker that tell it apart in grey.

Okabe and Ito, "Color Universal Design", 2008; their yellow, too faint for a line on white, is replaced by grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Dashes = Literal["solid", "dashed", "dashdot"] | tuple[float, tuple[float, ...]]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C8C")
COLORS_ON_DARK = ("#4C9FE0", "#FF7F3F", "#2FC795", "#E79BC6", "#F0B429", "#8ED4FA", "#FFFFFF", "#A3A3A3")
"""The same hues, lightened until a thin line of each is plain on a dark ground."""
_LINES: tuple[Dashes, ...] = ("solid", "dashed", "dashdot", (0, (1, 1.2)), (0, (7, 1.5, 1, 1.5, 1, 1.5)))
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@dataclass(frozen=True)
class Look:
    """How one scheme is drawn, everywhere."""

    color: str
    line: Dashes
    marker: str
    rank: int


def looks(schemes: Sequence[str]) -> dict[str, Look]:
    """A look for each scheme, in order. Colors return after eight, with another line and marker."""
    found = {}
    for rank, scheme in enumerate(dict.fromkeys(schemes)):
        turn = rank + rank // len(COLORS)
        line, marker = _LINES[turn % len(_LINES)], _MARKERS[turn % len(_MARKERS)]
        found[scheme] = Look(COLORS[rank % len(COLORS)], line, marker, rank)
    return found
