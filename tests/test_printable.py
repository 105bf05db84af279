"""Text from outside is shown, and nothing in it is obeyed."""

from __future__ import annotations

import io
import json
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from initbench.cli import console, guard
from initbench.printable import one_line, printable

reproducible = settings(derandomize=True, deadline=None)
ANY = st.text(st.characters(exclude_categories=()), max_size=30)  # halves of characters too
OBEYED = (
    "\x1b[2J",
    "\x1b]0;owned\x07",
    "\x1b]52;c;cm0gLXJm\x07",
    "\x9b31m",
    "a\rb",
    "a\x08b",
    "\u202egnp.exe",
    "\u2066x",
)


def is_obeyed(character: str) -> bool:
    """Whether a terminal would do something other than show it; line breaks and tabs apart."""
    return (
        unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} and character not in "\n\t"
    ) or unicodedata.bidirectional(character) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@reproducible
@given(ANY)
def test_no_text_keeps_what_a_terminal_obeys_and_every_text_can_be_written(text: str) -> None:
    shown = printable(text)
    assert not any(map(is_obeyed, shown))
    assert shown.encode().decode() == shown
    assert printable(shown) == shown
    assert "\n" not in one_line(text)
    assert not any(map(is_obeyed, one_line(text)))


@reproducible
@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("äß×σ日本🧨\n\t")))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@reproducible
@given(ANY)
def test_in_json_an_escape_means_the_character(text: str) -> None:
    assert json.loads(printable(json.dumps([text], ensure_ascii=False))) == [text]


@pytest.mark.parametrize("text", OBEYED, ids=ascii)
@pytest.mark.parametrize("out", [console.out, console.err], ids=["out", "err"])
@pytest.mark.parametrize("is_terminal", [False, True])
def test_consoles_pass_their_own_sequences_and_show_those_of_a_text(out, text, is_terminal, capsys) -> None:
    screen = out()
    screen.file = sink = io.StringIO()
    screen._force_terminal = is_terminal  # as rich's own tests do
    table = Table(title=Text(text))
    table.add_column(Text(text))
    table.add_row(Text(text, style="bold"))
    screen.print(text)
    screen.print(Text(text, style="red"), soft_wrap=True)
    screen.print(table)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", sink.getvalue())  # rich's colors
    assert not any(map(is_obeyed, shown))
    assert all(printable(character) in shown for character in text if character in "\x1b\x9b\u202e\u2066")


@pytest.mark.parametrize("text", OBEYED, ids=ascii)
def test_lines_said_and_errors_show_what_a_terminal_would_obey(text, capsys) -> None:
    console.say(text)
    with pytest.raises(Exception) as ended:  # noqa: PT011 - of typer or of click, whichever it vendors
        guard.stop(f"cannot read {text}")
    assert getattr(ended.value, "exit_code", None) == guard.WRONG_USAGE
    out, err = capsys.readouterr()
    assert out == f"{printable(text)}\n"
    assert err == f"Error: cannot read {printable(text)}\n"


def test_a_bug_s_traceback_shows_them_too(capsys) -> None:
    def broken() -> None:
        raise ZeroDivisionError("\x1b[2J")

    with pytest.raises(SystemExit):
        guard.ending(broken)
    assert "\x1b" not in capsys.readouterr().err
