"""The numbers as a table for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

SIDES = {
    "tutorial": "DataLoader, default Adam, loss.item() at every step, one network after another, torch's own threads",
    "tuned": "batches indexed in memory, fused Adam, one network after another, torch's own threads",
    "initbench": "the product's training loop: two stacks on two workers of one thread each, started before",
    "limit": "the same matrix products and Adam kernels on the same workers, with nothing around them",
    "probed": "initbench that measures every layer every 10 updates",
    "command": "initbench run from the shell: imports, workers, planning, training, evaluation, records",
}
TARGETS = {
    "classic": (12, 2.2, 0.75),
    "deep128": (4.5, 2.4, 0.75),
    "deep256": (2.8, 1.5, 0.8),
    "cnn": (1.9, 1.7, 0.75),
}
PROBE_TARGET, VANISHING_TARGET, REPLICAS_TARGET, START_TARGET = 0.10, 1.15, 40, 4


def show(results: Mapping[str, Any], console: Console) -> None:
    """Print whichever tables the results have numbers for."""
    cases = [name for name in TARGETS if name in results]
    if cases:
        console.print(_seconds(results, cases))
        console.print(_ratios("Ratios within a round, their median (and the aim)", {c: results[c] for c in cases}))
        fastest = {case: results[case]["of_fastest"] for case in cases}
        console.print(_ratios("Ratios of the fastest rounds, which other work on the machine spoils least", fastest))
        for side, meaning in SIDES.items():
            console.print(f"  [bold]{side:<10}[/bold] {meaning}", highlight=False)
    if "vanishing" in results:
        ratio = results["vanishing_over_healthy"]
        console.print(f"\nnormal\\[std=0.01] over he, deep128: {ratio:.2f} {_verdict(ratio <= VANISHING_TARGET)}")
    if "start" in results:
        seconds = results["start"]["first_records_seconds"]
        aim = f"(< {START_TARGET}) {_verdict(seconds < START_TARGET)}"
        console.print(f"from the shell to the first records: {seconds:.1f} s {aim}")
    if "replicas" in results:
        ratio = results["replicas"]["ratio_64_to_1"]
        console.print(_growth("classic networks", results["replicas"]))
        console.print(f"64 networks over one: {ratio:.1f} {_verdict(ratio < REPLICAS_TARGET)}")
    if "depth" in results:
        console.print(_growth("layers (8 networks of width 128)", results["depth"]))


def _seconds(results: Mapping[str, Any], cases: list[str]) -> Table:
    table = Table(title="Seconds for 8 networks: median of the rounds (fastest to slowest)", title_justify="left")
    table.add_column("")
    table.add_column("updates", justify="right")
    for side in SIDES:
        table.add_column(side, justify="right")
    for case in cases:
        numbers = results[case]
        cells = [
            f"{of['median']:.2f} ({of['min']:.2f} to {of['max']:.2f})"
            for of in map(numbers["seconds"].get, SIDES)
            if of
        ]
        command = numbers["command_seconds"]
        table.add_row(case, str(numbers["updates"]), *cells, "failed" if command is None else f"{command:.2f}")
    return table


def _ratios(title: str, ratios: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in ("tutorial / initbench", "tuned / initbench", "limit / initbench", "probing adds"):
        table.add_column(heading, justify="right")
    for case, numbers in ratios.items():
        keys = ("tutorial_over_initbench", "tuned_over_initbench", "limit_over_initbench")
        cells = [
            f"{numbers[key]:.2f} (≥ {aim}) {_verdict(numbers[key] >= aim)}"
            for key, aim in zip(keys, TARGETS[case], strict=True)
        ]
        added = numbers["probe_overhead"]
        table.add_row(case, *cells, f"{added:.0%} (≤ {PROBE_TARGET:.0%}) {_verdict(added <= PROBE_TARGET)}")
    return table


def _growth(what: str, numbers: Mapping[str, Any]) -> Table:
    table = Table(title=f"\nSeconds for {numbers['updates']} updates by the number of {what}", title_justify="left")
    smallest, base = next(iter(numbers["median_seconds"].items()))
    rows: dict[str, list[str]] = {"seconds": [], f"over {smallest}": [], "seconds each": []}
    for size, seconds in numbers["median_seconds"].items():
        rows["seconds"].append(f"{seconds:.3f}")
        rows[f"over {smallest}"].append(f"{seconds / base:.1f}")
        rows["seconds each"].append(f"{seconds / int(size):.4f}")
    table.add_column("")
    for size in numbers["median_seconds"]:
        table.add_column(size, justify="right")
    for heading, cells in rows.items():
        table.add_row(heading, *cells)
    return table


def _verdict(met: bool) -> str:
    return "[green]✓[/green]" if met else "[red]✗[/red]"
