"""How often the gate cries wolf, and what it catches: ``python -m benchmarks.gate [--quick] [--json FILE]``.

Every check is the real command, run in this process on small networks. *False alarms*: unchanged code, checked with
other seeds than the baseline's (each baseline is checked five times), and with the same. *Sensitivity*: one thing in
the code is broken after the baseline was made with the same seeds. The check has to fail, but for the last change,
which is too small to harm and shows where the limit is.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from unittest.mock import patch

import torch
import typer
from rich.console import Console
from rich.table import Table
from typer.testing import CliRunner

from initbench import read
from initbench.activations.relu import ReLU
from initbench.cli import app
from initbench.datasets.synthetic import Synthetic
from initbench.gate import Tolerance, judge, read_baseline
from initbench.inits.he import He
from initbench.inits.xavier import Xavier
from initbench.schedules.constant import Constant
from initbench.seeding import generator

SEEDS = 5  # the default of a config
CHECKS_OF_A_BASELINE = 5

DATA = (
    "dataset: {name: synthetic, features: 20, classes: 4, samples: 600, test_samples: 200}\nlog_every: 2\nprobe: [0]\n"
)
SMALL = DATA + (
    "network: {name: mlp, depth: 4, width: 24}\ninit: [he, xavier]\n"
    "optimizer: {name: sgd, lr: 0.02, momentum: 0.9}\nbatch_size: 50\nsteps: 60\ntarget: {value: 0.6}\n"
)
DEEP = DATA + (
    "network: {name: mlp, depth: DEPTH, width: 32}\ninit: he\n"
    "optimizer: {name: sgd, lr: 0.01, momentum: 0.9}\nbatch_size: 50\nsteps: 60\ntarget: {value: 1.0}\n"
)


@dataclass(frozen=True)
class Change:
    """Something that goes wrong in the code between a baseline and a check."""

    name: str
    config: str
    broken: Callable[[], AbstractContextManager[Any]]


class _WrongDerivative(torch.autograd.Function):
    """ReLU forward; backward ``slope`` below zero."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, slope: float) -> torch.Tensor:  # type: ignore[override]
        ctx.save_for_backward(x)
        ctx.slope = slope
        return torch.relu(x)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, gradient, ctx.slope * gradient), None


def _swapped() -> AbstractContextManager[Any]:
    return patch.object(He, "weight", lambda _self, site, rng: Xavier(distribution="normal").weight(site, rng))


def _small_gain() -> AbstractContextManager[Any]:
    weight = He.weight
    return patch.object(He, "weight", lambda self, site, rng: 0.9 * weight(self, site, rng))


def _half_rate() -> AbstractContextManager[Any]:
    factor = Constant.factor
    return patch.object(Constant, "factor", lambda self, *steps: 0.5 * factor(self, *steps))


def _derivative(slope: float) -> AbstractContextManager[Any]:
    return patch.object(ReLU, "__call__", lambda _self, x: _WrongDerivative.apply(x, slope))


def _shuffled_labels() -> AbstractContextManager[Any]:
    load = Synthetic.load

    def shuffled(self: Synthetic, data_dir: Path) -> Any:
        data = load(self, data_dir)
        labels = data.train.y.clone()
        some = torch.randperm(len(labels), generator=generator(0, "gate", "some"))[: len(labels) // 5]
        order = torch.randperm(len(some), generator=generator(0, "gate", "order"))
        labels[some] = labels[some[order]]
        return replace(data, train=replace(data.train, y=labels))

    return patch.object(Synthetic, "load", shuffled)


CHANGES = (
    Change("he swapped for xavier, 22 layers", DEEP.replace("DEPTH", "22"), _swapped),
    Change("gain 10 % too small, 30 layers", DEEP.replace("DEPTH", "30"), _small_gain),
    Change("learning rate halved", SMALL, _half_rate),
    Change("derivative of ReLU without its mask", SMALL, lambda: _derivative(1.0)),
    Change("20 % of the labels shuffled", SMALL, _shuffled_labels),
    Change("derivative of ReLU leaks 20 %", SMALL, lambda: _derivative(0.2)),
)


@dataclass
class Tally:
    """How a row of checks came out."""

    checks: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    without_margin: int = 0
    changed: int = 0

    def add(self, code: int, told: dict[str, Any]) -> None:
        """Count one check."""
        self.checks += 1
        self.codes[code] += 1
        self.kinds.update({finding["kind"] for finding in told["findings"] if finding["fails"]})
        self.warnings.update({finding["kind"] for finding in told["findings"] if finding["mark"] == "~"})
        self.changed += any(finding["mark"] != "=" for finding in told["findings"])


class Gate:
    """The commands, on files of one folder."""

    def __init__(self, folder: Path) -> None:
        self.config, self.baseline, self.kept = folder / "gate.yaml", folder / "gate.json", folder / "kept"

    def store(self, text: str, first: int) -> None:
        """Write the config with seeds from ``first``, and its baseline."""
        self.config.write_text(f"{text}seeds: {list(range(first, first + SEEDS))}\n")
        code, output = self._command("baseline", "-o", str(self.baseline))
        if code:
            raise RuntimeError(output)

    def check(self, *options: str) -> tuple[int, dict[str, Any]]:
        """The exit code of a check, and what it said."""
        given = ["--baseline", str(self.baseline), "--json", "--keep", str(self.kept), *options]
        with patch("initbench.report.write", lambda results: results):  # drawing takes longer than training
            code, output = self._command("check", *given)
        return code, json.loads(output)

    def _command(self, name: str, *options: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, [name, str(self.config), "--quiet", "--workers", "1", *options])
        return done.exit_code, done.stdout


def other_seeds(gate: Gate, checks: int, step: Callable[[], None]) -> Tally:
    """Unchanged code, checked with seeds that nobody used before."""
    tally, first = Tally(), 0
    while tally.checks < checks:
        gate.store(SMALL, first)
        for _ in range(min(CHECKS_OF_A_BASELINE, checks - tally.checks)):
            first += SEEDS
            tally.add(*gate.check("--seeds", f"{first}-{first + SEEDS - 1}"))
            again = judge(read(gate.kept).results, read_baseline(gate.baseline), {}, Tolerance(margin=0.0))
            tally.without_margin += again.exit_code == 1
            step()
        first += SEEDS
    return tally


def same_seeds(gate: Gate, change: Change, checks: int, step: Callable[[], None]) -> Tally:
    """A change (or none), checked with the seeds of the baseline, and other seeds in every round."""
    tally = Tally()
    for index in range(checks):
        gate.store(change.config, 1000 + SEEDS * index)
        with change.broken():
            tally.add(*gate.check())
        step()
    return tally


def main(
    quick: Annotated[bool, typer.Option(help="A tenth of the checks: an impression, not a measurement.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
) -> None:
    """Measure false alarms and sensitivity of initbench check."""
    alarms, each = (20, 2) if quick else (200, 20)
    rows: dict[str, Tally] = {}
    console, progress = Console(), Console(stderr=True)
    with tempfile.TemporaryDirectory() as temporary, progress.status("checking") as status:
        gate = Gate(Path(temporary))
        for name, measure in _measurements(gate, alarms, each):
            done = 0

            def step(name: str = name) -> None:
                nonlocal done
                done += 1
                status.update(f"{name}: {done}")

            rows[name] = measure(step)
    console.print(_table(rows))
    if json_file is not None:
        json_file.write_text(json.dumps({name: _plain(tally) for name, tally in rows.items()}, indent=2) + "\n")


def _measurements(gate: Gate, alarms: int, each: int) -> Iterator[tuple[str, Callable[[Callable[[], None]], Tally]]]:
    yield "nothing, other seeds", lambda step: other_seeds(gate, alarms, step)
    nothing = Change("nothing, same seeds", SMALL, nullcontext)
    for change in (nothing, *CHANGES):
        yield change.name, lambda step, change=change: same_seeds(gate, change, each, step)  # type: ignore[misc]


def _table(rows: dict[str, Tally]) -> Table:
    table = Table("what changed", "checks", "regressions", "with margin 0", "found by", "warned by")
    for name, tally in rows.items():
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(tally.kinds.items()))
        warned = ", ".join(f"{kind} {count}" for kind, count in sorted(tally.warnings.items()))
        margin = str(tally.without_margin) if "other" in name else ""
        table.add_row(name, str(tally.checks), str(tally.codes[1]), margin, kinds, warned)
    return table


def _plain(tally: Tally) -> dict[str, Any]:
    return {
        "checks": tally.checks,
        "regressions": tally.codes[1],
        "regressions_without_margin": tally.without_margin,
        "anything_changed": tally.changed,
        "found_by": dict(tally.kinds),
        "warned_by": dict(tally.warnings),
        "exit_codes": {str(code): count for code, count in tally.codes.items()},
    }


if __name__ == "__main__":
    typer.run(main)
