r"""Text from outside (a config, a results folder, an exception, a server), made safe to show.

A terminal obeys some characters instead of showing them: escape sequences can move the cursor, rename the window or
fill the clipboard, and marks of direction can turn a line around. Each of these is shown as its escape instead, such
as ``\u001b``, and so are halves of characters, which no encoding can write. In JSON an escape means the character.

CWE-150, "Improper Neutralization of Escape, Meta, or Control Sequences"; Boucher and Anderson, "Trojan Source:
Invisible Vulnerabilities", 2021.
"""

from __future__ import annotations

import re

_OBEYED = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_IN_TEXT = re.compile(f"[{_OBEYED}]")
_IN_A_LINE = re.compile(f"[{_OBEYED}\\t\\n]")
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def printable(text: str) -> str:
    """``text`` with what a terminal would obey shown as escapes; line breaks and tabs stay."""
    return _IN_TEXT.sub(_escape, text)


def one_line(text: str) -> str:
    """The same, with line breaks and tabs shown as escapes too."""
    return _IN_A_LINE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return _SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}"
