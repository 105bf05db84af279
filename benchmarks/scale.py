"""Large plans and large folders, from the shell: ``python -m benchmarks.scale [--json FILE] [--keep DIR]``.

Times are those of whole commands, starting Python and torch included; memory is the peak of the largest process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from benchmarks.generated import SEEDS, SWEEP, Layout, generate
from initbench.config import load_text
from initbench.plan import plan

MILLION = """\
name: million
init: [he, xavier, lecun, orthogonal, keras_default, flax_default, "normal[std=0.01,0.03,0.1,0.3]"]
network: {name: mlp, depth: [2, 3, 4, 5, 6, 8, 10, 12, 16, 20], width: [16, 32, 48, 64, 96, 128, 160, 192, 224, 256]}
optimizer: {name: sgd, lr: [0.001, 0.002, 0.004, 0.01, 0.02, 0.04, 0.1, 0.2, 0.4, 1.0]}
seeds: 100
"""
KILO = 1024 if sys.platform == "darwin" else 1  # of kilobytes, in which Linux counts memory

app = typer.Typer(add_completion=False)


@dataclass(frozen=True)
class Measured:
    """One command: what it was about, wall and processor time in seconds, peak memory in MB."""

    what: str
    seconds: float
    processor: float
    megabytes: float


@app.command()
def main(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Generate the folders here, or use those that are here.")] = None,
) -> None:
    """Measure dry runs of a million trials, the ids of one, and reports over ten thousand generated trials."""
    screen = Console()
    with _folder(keep) as folder:
        found = [*_dry_runs(folder), *_reports(folder)]
        hashed = _ids_per_second(folder)
    table = Table("command", "seconds", "processor seconds", "MB", title="Large plans and folders")
    for one in found:
        table.add_row(one.what, f"{one.seconds:.1f}", f"{one.processor:.1f}", f"{one.megabytes:.0f}")
    screen.print(table)
    screen.print(f"ids of a plan: {hashed:,.0f} a second, {1e6 / hashed:.1f} s for a million")
    if json_file:
        numbers = {"commands": [asdict(one) for one in found], "ids_per_second": hashed}
        json_file.write_text(json.dumps(numbers, indent=2) + "\n")


def _dry_runs(folder: Path) -> Iterator[Measured]:
    config = folder / "million.yaml"
    config.write_text(MILLION)
    for form in ([], ["--json"]):
        command = ["run", str(config), "--dry-run", "--out", str(folder / "nothing"), *form]
        yield _measured(" ".join(["run --dry-run", *form, "of 1 000 000 trials"]), command)


def _reports(folder: Path) -> Iterator[Measured]:
    for name, layout in {"sweep": SWEEP, "seeds": SEEDS}.items():
        results = folder / name
        if not (results / "manifest.json").exists():
            generate(results, layout)
        yield _measured(f"report over {_words(layout)}", ["report", str(results)])


def _ids_per_second(folder: Path) -> float:
    trials = plan(load_text(MILLION, "million.yaml"), folder).trials
    started = time.perf_counter()
    count = sum(1 for _ in trials.ids())
    return count / (time.perf_counter() - started)


def _measured(what: str, command: Sequence[str]) -> Measured:
    script = "import sys; from initbench.cli import main; sys.argv[0] = 'initbench'; main()"
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", script, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise typer.BadParameter(f"initbench {' '.join(command)} ended with {process.returncode}")
    seconds = time.perf_counter() - started
    return Measured(what, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KILO / 1024)


def _words(layout: Layout) -> str:
    settings = len(layout.depths) * len(layout.rates)
    return f"{layout.trials} trials ({layout.schemes} schemes, {settings} settings, {layout.seeds} seeds)"


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
    else:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary)


if __name__ == "__main__":
    app()
