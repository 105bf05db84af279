"""The inline grammar of components and values, the same on the command line and in YAML.

::

    he                          a component with its defaults
    normal[std=0.01]            … with an option
    normal[std=0.01,0.1]        two components: a value without a key continues the option before it
    mlp[hidden=[256,128]]       an option that is itself a list
    he,xavier                   two components
    arrays[path="a, b.npz"]     text with special characters, quoted as in JSON
    he[mode = fan_out]          blanks around names and values do not count

Plain scalars are read as YAML 1.2 reads them: ``1e-3`` is a number, ``yes`` and ``off`` are text. A number written with
an exponent whose value is whole (``1e3``) is an integer.
"""

from __future__ import annotations

import json
import re
from json import JSONDecodeError

Scalar = str | int | float | bool | None
Value = Scalar | list["Value"]
RawComponent = dict[str, object]
"""A component before validation: its ``name``, and its options."""

DEEPEST_LIST = 3
LONGEST_NUMBER = 40
EXACT_INTEGERS = 2**53

_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # a surrogate: an escape can name it, and no encoding can write it
_BARE = re.compile(r'[^,=\[\]"]*')


class GrammarError(ValueError):
    """Text that the inline grammar does not cover; the message says where it stops."""


def plain_scalar(text: str) -> Scalar:
    """An unquoted scalar by the rules of YAML 1.2 (core schema, decimal numbers only)."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    if len(text) > LONGEST_NUMBER or not _FLOAT.fullmatch(text):
        return text
    if _INT.fullmatch(text):
        return int(text)
    number = float(text)
    whole = "e" in text.lower() and abs(number) < EXACT_INTEGERS and number.is_integer()
    return int(number) if whole else number


def inline_components(text: str) -> list[RawComponent]:
    """Components before validation; an option that has several values holds their list.

    Raises
    ------
    GrammarError
        The text does not follow the grammar.
    """
    cursor = _Cursor(text)
    found = [_component(cursor)]
    while cursor.take(","):
        found.append(_component(cursor))
    cursor.expect_end()
    return found


def inline_value(text: str) -> Value:
    """A value given on the command line: ``10``, ``10,20`` (a list), ``[256,128]``. Raises GrammarError."""
    cursor = _Cursor(text)
    values = [_value(cursor)]
    several = False
    while cursor.take(","):
        several = True
        values.append(_value(cursor))
    cursor.expect_end()
    return values if several else values[0]


class _Cursor:
    """A position in a text."""

    def __init__(self, text: str) -> None:
        if HALF_CHARACTER.search(text):  # as Python reads an argument that is not UTF-8
            raise GrammarError(f"{text[:60]!r} holds half of a character, which is no text")
        self.text = text
        self.position = 0

    def match(self, pattern: re.Pattern[str]) -> str | None:
        self._skip_blanks()
        found = pattern.match(self.text, self.position)
        if found:
            self.position = found.end()
        return found and found.group()

    def take(self, character: str) -> bool:
        self._skip_blanks()
        taken = self.text.startswith(character, self.position)
        self.position += taken
        return taken

    def expect(self, character: str) -> None:
        if not self.take(character):
            raise GrammarError(f"{self.rest()}, expected '{character}'")

    def expect_end(self) -> None:
        self._skip_blanks()
        if self.position < len(self.text):
            raise GrammarError(f"{self.rest()}, expected ',' or the end")

    def rest(self) -> str:
        rest = self.text[self.position :]
        return f"found {rest[:20]!r} in {self.text[:60]!r}" if rest else f"{self.text[:60]!r} ends too early"

    def _skip_blanks(self) -> None:
        while self.text[self.position : self.position + 1].isspace():
            self.position += 1


def _component(cursor: _Cursor) -> RawComponent:
    name = (cursor.match(_BARE) or "").strip()
    if not name:
        raise GrammarError(f"a name is missing in {cursor.text[:60]!r}")
    options: dict[str, list[Value]] = {}
    if cursor.take("[") and not cursor.take("]"):
        _options(cursor, options)
        cursor.expect("]")
    return {"name": name, **{key: values[0] if len(values) == 1 else values for key, values in options.items()}}


def _options(cursor: _Cursor, options: dict[str, list[Value]]) -> None:
    key = None
    while True:
        start = cursor.position
        found = (cursor.match(_BARE) or "").strip()
        if cursor.take("="):
            key = found
            if not key or key == "name":
                raise GrammarError(f"{found!r} is no option in {cursor.text[:60]!r}")
            if key in options:
                raise GrammarError(f"the option {key!r} is given twice in {cursor.text[:60]!r}")
            options[key] = [_value(cursor)]
        elif key is None:
            cursor.position = start
            raise GrammarError(f"{cursor.rest()}, expected option=value")
        else:
            cursor.position = start
            options[key].append(_value(cursor))
        if not cursor.take(","):
            return


def _value(cursor: _Cursor, depth: int = 0) -> Value:
    if cursor.take("["):
        if depth == DEEPEST_LIST:
            raise GrammarError(f"the lists in {cursor.text[:60]!r} are nested too deep")
        values: list[Value] = []
        if cursor.take("]"):
            return values
        values.append(_value(cursor, depth + 1))
        while cursor.take(","):
            values.append(_value(cursor, depth + 1))
        cursor.expect("]")
        return values
    quoted = cursor.match(_QUOTED)
    if quoted is not None:
        try:
            text = str(json.loads(quoted))
        except JSONDecodeError as error:
            raise GrammarError(f"{quoted[:60]} is not quoted as in JSON") from error
        if HALF_CHARACTER.search(text):
            raise GrammarError(f"{quoted[:60]} holds half of a character, which is no text")
        return text
    return plain_scalar((cursor.match(_BARE) or "").strip())
