"""Measure and print: ``python -m benchmarks [--quick] [--case NAME ...] [--json FILE]``."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console

from benchmarks.crew import THREADS, WORKERS, Crew
from benchmarks.suite import NAMES, Bench, measured
from benchmarks.table import show
from initbench.execute import provenance

FULL = (5, 1.0)  # rounds, and length relative to the cases'
QUICK = (2, 0.5)
BUSY = 0.3  # processes that want to run before we do


app = typer.Typer(add_completion=False)


@app.command()
def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
    quick: Annotated[bool, typer.Option(help="Fewer and shorter rounds: an impression, not a measurement.")] = False,
    case: Annotated[list[str] | None, typer.Option(help=f"Only these of {', '.join(NAMES)}.")] = None,
) -> None:
    """Time initbench beside what one would write by hand, all sides interleaved in one run."""
    unknown = set(case or ()) - set(NAMES)
    if unknown:
        raise typer.BadParameter(f"no case is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    console, progress = Console(), Console(stderr=True)
    results = benchmarks(case or list(NAMES), *(QUICK if quick else FULL), progress)
    show(results, console)
    if results["machine"]["load_before"] > BUSY:
        console.print(
            f"[yellow]The machine was busy before the run (load {results['machine']['load_before']:.1f}): "
            "sides with several threads suffer most from that, so do not trust these numbers.[/yellow]"
        )
    if json_file:
        json_file.write_text(json.dumps(results, indent=2) + "\n")


def benchmarks(names: list[str], rounds: int, scale: float, progress: Console) -> dict[str, Any]:
    """The numbers of the named benchmarks, with what they were measured on."""
    results: dict[str, Any] = {"machine": _machine()}
    with Crew() as crew, progress.status("starting the workers") as status:
        bench = Bench(crew, rounds, scale, lambda text: status.update(text))
        for name in names:
            results[name] = measured(bench, name)
    if "vanishing" in results:
        results["vanishing_over_healthy"] = results["vanishing"]["vanishing_over_healthy"]
    return {**results, "rounds": rounds}


def _machine() -> dict[str, Any]:
    return {
        **provenance.environment(),
        "threads_by_hand": torch.get_num_threads(),
        "workers": WORKERS,
        "threads_per_worker": THREADS,
        "load_before": os.getloadavg()[0],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "git_commit": provenance.git_commit(),
    }


if __name__ == "__main__":
    app()
