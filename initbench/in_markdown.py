"""Text that Markdown shows as it is: no emphasis, link, table or heading comes of what a stranger wrote.

A backslash before a mark makes it a character. Some are marks anywhere, some only where a line begins, and an
underscore inside of a word is none. CommonMark 0.31, section 2.4.
"""

from __future__ import annotations

import re

_ANYWHERE = re.compile(r"([\\`*<>|~]|\](?=\()|(?<!\w)_|_(?!\w)|&(?=#?\w+;))")
_BEGINNING = re.compile(r"^(\d+)(?=[.)](?:\s|$))|^(?=[-+](?:[\s-]|$)|[#=\[])")


def in_markdown(text: object) -> str:
    """A text on one line, for a paragraph, a list or a cell of a table."""
    line = _ANYWHERE.sub(r"\\\1", " ".join(str(text).split()))
    return _BEGINNING.sub(r"\1\\", line)
