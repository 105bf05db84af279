"""Provenance as rows of a table: where the numbers come from, in the order in which it was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from initbench.analysis import wording


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
