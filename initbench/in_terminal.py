"""Tables that fit a terminal of any width: no number and no name is broken or cut off.

Where a table is too wide, prose wraps at words first; then the columns that others make up for are left out, and a
line says which; at last the table goes on below itself, its rows named anew. A name longer than the terminal folds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

_GAP = 2  # between two columns


class Role(Enum):
    """What stands in a column."""

    NAME = "name"  # of the row: repeated where a table goes on below itself; wraps at spaces
    PROSE = "prose"  # wraps at spaces
    NUMBER = "number"  # never wraps


@dataclass(frozen=True)
class Column:
    """A heading and a cell for each row, both with line breaks where they are to have them.

    ``spare`` is 0 for a column that is always shown; of the others the highest are left out first.
    """

    heading: str
    cells: tuple[Text, ...]
    role: Role = Role.PROSE
    spare: int = 0

    @property
    def widest(self) -> int:
        """The width in which nothing wraps."""
        return max((cell_len(line) for text in self._texts() for line in text.split("\n")), default=0)

    @property
    def narrowest(self) -> int:
        """The width in which no word is broken."""
        if self.role is Role.NUMBER:
            return self.widest
        return max((cell_len(word) for text in self._texts() for word in text.split()), default=0)

    def _texts(self) -> list[str]:
        return [self.heading, *(cell.plain for cell in self.cells)]


@dataclass(frozen=True)
class Fitted:
    """A table that looks at the width it is given. ``sections`` names a group for each row, to draw a rule between.

    ``elsewhere`` says where the columns that are left out can be seen ("report.md has them").
    """

    columns: tuple[Column, ...]
    elsewhere: str
    sections: tuple[str, ...] = ()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        shown = _without_spare(self.columns, width)
        for index, block in enumerate(_blocks(shown, width)):
            if index:
                yield Text("")
            yield self._table(block, width)
        left_out = dict.fromkeys(" ".join(column.heading.split()) for column in self.columns if column not in shown)
        if left_out:
            yield Text(f"Too narrow for: {', '.join(left_out)}; {self.elsewhere}.", style="dim")

    def _table(self, columns: Sequence[Column], width: int) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)
        for column, own in zip(columns, _widths(columns, width), strict=True):
            right = column.role is Role.NUMBER
            table.add_column(
                Text(column.heading),
                justify="right" if right else "left",
                width=own,
                overflow="fold",
                vertical="top",
            )
        rows = zip(*(column.cells for column in columns), strict=True)
        ends = [here != after for here, after in pairwise(self.sections)]
        for index, row in enumerate(rows):
            table.add_row(*row, end_section=ends[index] if index < len(ends) else False)
        return table


def _without_spare(columns: Sequence[Column], width: int) -> list[Column]:
    """The columns that stay; of those that are left out, columns of one ``spare`` go together."""
    for most in sorted({column.spare for column in columns}, reverse=True):
        shown = [column for column in columns if column.spare <= most]
        if _least(shown) <= width:
            return shown
    return [column for column in columns if not column.spare]


def _blocks(columns: Sequence[Column], width: int) -> Iterator[list[Column]]:
    """The columns, in as many tables as it takes, each beginning with the names of the rows."""
    names = [column for column in columns if column.role is Role.NAME]
    block = list(names)
    for column in (column for column in columns if column.role is not Role.NAME):
        if len(block) > len(names) and _least([*block, column]) > width:
            yield block
            block = list(names)
        block.append(column)
    yield block


def _least(columns: Sequence[Column]) -> int:
    return sum(column.narrowest for column in columns) + _GAP * (len(columns) - 1)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """The widths of the columns: the widest prose gives way first, to its longest word; names fold at last."""
    widths = [column.widest for column in columns]
    excess = sum(widths) + _GAP * (len(columns) - 1) - width
    for least in ([column.narrowest for column in columns], [_fold(column) for column in columns]):
        while excess > 0:
            slack = [own - low if own > low else 0 for own, low in zip(widths, least, strict=True)]
            if not any(slack):
                break
            giving = max(range(len(widths)), key=lambda index: (slack[index] > 0, widths[index]))
            widths[giving] -= 1
            excess -= 1
    return widths


def _fold(column: Column) -> int:
    """What a column is folded to where it cannot be shown otherwise."""
    return column.widest if column.role is Role.NUMBER else 1
