"""``initbench info``: versions and hardware, to paste into a bug report."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from initbench.cli import console


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of lines.")] = False,
) -> None:
    """Show versions and hardware, to paste into a bug report."""
    facts = _facts()
    if as_json:
        console.say(json.dumps(facts, indent=2))
        return
    lines = {**facts.pop("versions"), **facts}
    width = max(map(len, lines))
    for name, value in lines.items():
        console.say(f"{name:<{width}}  {'none' if value is None else value}")


def _facts() -> dict[str, Any]:
    from initbench.cores import available_cores
    from initbench.datasets import data_folder
    from initbench.execute import provenance, resources

    return {
        **provenance.environment(),
        "cores_available": available_cores(),
        "device": resources.resolve_device("auto"),
        "data_folder": str(data_folder()),
    }
