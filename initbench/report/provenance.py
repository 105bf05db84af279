"""Provenance as rows of a table: where the numbers come from, in the order in which it was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from initbench.analysis import wording

_SEARCH = "--max-depth"


def rows(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Names and texts, nested ones on one level: ``{"versions": {"torch": ...}}`` becomes ``versions.torch``."""
    found: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            found += rows(value, f"{prefix}{key}.")
        else:
            text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            found.append((f"{prefix}{key}", wording.MISSING if value is None else text))
    return found


def search(values: Mapping[str, Any]) -> str:
    """The command that searched for the greatest depth, which no config can ask for; none where none did."""
    command = values.get("command")
    return command if isinstance(command, str) and _SEARCH in command.split() else ""
