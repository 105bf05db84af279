"""Tables in terminals of any width: what is shown is whole, and what is not shown is said."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from initbench.in_terminal import Column, Fitted, Role

NAMES = ("normal[std=0.01]", "randomized_asymmetric")
NUMBERS = ("0.275 ± 0.093", "-1.23e+03")


def column(heading, cells, role=Role.PROSE, spare=0):
    return Column(heading, tuple(map(Text, cells)), role, spare)


def lines(columns, width, sections=()):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(Fitted(tuple(columns), "report.md has all", sections))
    return console.file.getvalue().splitlines()


TABLE = (
    column("scheme", NAMES, Role.NAME),
    column("state", ("converged 6/7, slow 1/7", "stalled")),
    column("train\nloss", NUMBERS, Role.NUMBER),
    column("test loss", NUMBERS, Role.NUMBER, spare=1),
    column("seconds", ("1", "2"), Role.NUMBER, spare=2),
)


@pytest.mark.parametrize("width", range(36, 130))
def test_names_and_numbers_are_whole_at_any_width_and_no_line_is_longer(width):
    shown = lines(TABLE, width)
    text = "\n".join(shown)
    assert all(piece in text for piece in (*NAMES, *NUMBERS, "train", "converged", "slow"))
    assert max(map(len, shown)) <= width


def test_columns_are_left_out_by_their_spare_and_named():
    assert "Too narrow" not in "\n".join(lines(TABLE, 130))
    text = "\n".join(lines(TABLE, 70))
    assert "Too narrow for: seconds; report.md has all." in text
    assert "test loss" in text
    assert "Too narrow for: test loss, seconds; report.md has all." in " ".join(" ".join(lines(TABLE, 50)).split())


def test_prose_wraps_at_words_before_a_column_is_left_out():
    # 21 + 14 (the longest line of "converged 6/7,") + 13 + 13 + 7 and four gaps of 2
    text = "\n".join(lines(TABLE, 76))
    assert "Too narrow" not in text
    assert "converged 6/7, slow 1/7" not in text


def test_what_nothing_makes_up_for_goes_on_below_with_the_names_again():
    wide = (TABLE[0], *(column(f"depth {i}", NUMBERS, Role.NUMBER) for i in range(6)))
    text = "\n".join(lines(wide, 60))
    assert [text.count(f"depth {i}") for i in range(6)] == [1] * 6
    assert text.count(NAMES[0]) == 3  # 21 + 2 · 15 fit into 60 columns, three times


def test_a_name_longer_than_the_terminal_folds_and_loses_nothing():
    shown = lines((column("scheme", ("abcdefghij" * 5,), Role.NAME), column("n", ("12",), Role.NUMBER)), 20)
    assert "".join("".join(shown).split()).count("abcdefghij") >= 1
    assert sum(line.count(letter) for line in shown for letter in "j") == 5


def test_a_rule_stands_between_sections():
    plain, ruled = (lines(TABLE, 130, sections) for sections in ((), ("depth=1", "depth=2")))
    assert len(ruled) == len(plain) + 1


def test_columns_of_one_rank_are_left_out_together():
    pair = (column("predicted", NUMBERS, Role.NUMBER, spare=1), column("measured", NUMBERS, Role.NUMBER))
    text = "\n".join(lines((TABLE[0], *pair, *pair), 70))
    assert text.count("measured") == 2
    assert text.count("predicted") == 1
    assert "Too narrow for: predicted; report.md has all." in text
