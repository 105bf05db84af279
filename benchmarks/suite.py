"""The benchmarks by name: what each one times, and the numbers that it gives."""

from __future__ import annotations

import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import by_hand
from benchmarks.by_hand import Losses
from benchmarks.cases import Case
from benchmarks.crew import Crew, Timed
from benchmarks.rounds import Timings, growth, interleaved

CASES = {
    "classic": Case("{name: mlp, hidden: [256, 128]}", updates=100),
    "deep128": Case("{name: mlp, depth: 30, width: 128}", updates=40),
    "deep256": Case("{name: mlp, depth: 30, width: 256}", updates=30),
    "cnn": Case("{name: cnn, depth: 6, channels: 16}", updates=40),
}
REPLICAS = (1, 2, 4, 8, 16, 32, 64)
DEPTHS = (10, 20, 30, 50, 70, 100)
COMPARED_UPDATES = 4
AGREEMENT = 1e-2  # rounding in float32 grows severalfold with every update of a deep network

Numbers = dict[str, Any]


class DisagreementError(Exception):
    """Two sides that should train alike do not: their times cannot be compared."""


@dataclass(frozen=True)
class Bench:
    """Everything that a benchmark needs: the workers, how long to measure, and where to say how it goes."""

    crew: Crew
    rounds: int
    scale: float
    say: Callable[[str], None]

    def sized(self, case: Case) -> Case:
        """The case at the length asked for: at least 10 updates, so that one of them is probed."""
        return replace(case, updates=max(10, round(case.updates * self.scale / 10) * 10))

    def interleaved(self, name: str, sides: dict[str, Callable[[], float]]) -> Timings:
        """Time all sides in turn."""
        return interleaved(sides, self.rounds, lambda text: self.say(f"{name}, {text}"))


def sides(bench: Bench, name: str, case: Case) -> Numbers:
    """Tutorial, tuned, initbench (with and without probing) and the limit, on the same networks and batches."""
    _check_agreement(bench.crew, case)
    case = bench.sized(case)
    timings = bench.interleaved(
        name,
        {
            "tutorial": lambda: _learning(by_hand.tutorial(case)),
            "tuned": lambda: _learning(by_hand.tuned(case)),
            "initbench": lambda: _learning(bench.crew.initbench(case)),
            "limit": lambda: bench.crew.limit(case)[0],
            "probed": lambda: _learning(bench.crew.initbench(case, probed=True)),
        },
    )
    bench.say(f"{name}, the whole command")
    command = _command_seconds(case)
    return {
        **_ratios(timings.ratio),
        "of_fastest": _ratios(timings.ratio_of_fastest),
        "command_seconds": command,
        "updates": case.updates,
        "replicas": case.replicas,
        "seconds": timings.dump(),
    }


def _ratios(ratio: Callable[[str, str], float]) -> dict[str, float]:
    return {
        **{f"{side}_over_initbench": ratio(side, "initbench") for side in ("tutorial", "tuned", "limit")},
        "probe_overhead": ratio("probed", "initbench") - 1,
    }


def vanishing(bench: Bench) -> Numbers:
    """A network whose signal vanishes, against a healthy one: subnormal numbers must cost nothing."""
    healthy = bench.sized(CASES["deep128"])
    lost = replace(healthy, init="normal[std=0.01]")
    timings = bench.interleaved(
        "vanishing",
        {"vanishing": lambda: bench.crew.initbench(lost)[0], "healthy": lambda: bench.crew.initbench(healthy)[0]},
    )
    return {"vanishing_over_healthy": timings.ratio("vanishing", "healthy"), "seconds": timings.dump()}


def replicas(bench: Bench) -> Numbers:
    """How time grows with the number of classic networks."""
    case = replace(bench.sized(CASES["classic"]), updates=max(10, round(50 * bench.scale)))
    cases = {str(count): replace(case, replicas=count) for count in REPLICAS}
    timings = bench.interleaved("replicas", {name: partial(_seconds, bench.crew, c) for name, c in cases.items()})
    return {
        "updates": case.updates,
        "median_seconds": growth(timings, REPLICAS),
        "ratio_64_to_1": timings.ratio("64", "1"),
        "seconds": timings.dump(),
    }


def depth(bench: Bench) -> Numbers:
    """How time grows with the depth of 8 networks of width 128."""
    updates = max(10, round(20 * bench.scale))
    cases = {str(d): Case(f"{{name: mlp, depth: {d}, width: 128}}", updates) for d in DEPTHS}
    timings = bench.interleaved("depth", {name: partial(_seconds, bench.crew, c) for name, c in cases.items()})
    return {
        "updates": updates,
        "median_seconds": growth(timings, DEPTHS),
        "ratio_100_to_10": timings.ratio("100", "10"),
        "seconds": timings.dump(),
    }


def start(bench: Bench) -> Numbers:
    """From pressing enter to the records of a first stack that trained for one update."""
    case = replace(CASES["classic"], updates=1)
    timings = bench.interleaved("start", {"first_records": lambda: _first_records_seconds(case)})
    return {"first_records_seconds": timings.median("first_records"), "seconds": timings.dump()}


GROWTH: dict[str, Callable[[Bench], Numbers]] = {
    "vanishing": vanishing,
    "replicas": replicas,
    "depth": depth,
    "start": start,
}
NAMES = (*CASES, *GROWTH)


def measured(bench: Bench, name: str) -> Numbers:
    """The numbers of one benchmark."""
    return sides(bench, name, CASES[name]) if name in CASES else GROWTH[name](bench)


def _seconds(crew: Crew, case: Case) -> float:
    return crew.initbench(case)[0]


def _learning(timed: Timed) -> float:
    """The seconds, if the losses fell as they should."""
    seconds, losses = timed
    first, last = (sum(row[end] for row in losses) / len(losses) for end in (0, -1))
    if len(losses[0]) > 1 and not last < first:
        raise DisagreementError(
            f"the mean loss went from {first:.4g} to {last:.4g}: nothing was learned, nothing was timed"
        )
    return seconds


def _check_agreement(crew: Crew, case: Case) -> None:
    """The tuned loop, initbench and the limit give the same losses in the first updates, up to rounding."""
    short = replace(case, updates=COMPARED_UPDATES)
    _, reference = by_hand.tuned(short)
    for name, (_, losses) in {
        "initbench": crew.initbench(short, rows_every=1),
        "the limit": crew.limit_with_losses(short),
    }.items():
        worst = _largest_difference(reference, losses)
        if not worst < AGREEMENT:
            raise DisagreementError(f"{case.network}: losses of the tuned loop and of {name} differ by {worst:.2g}")


def _largest_difference(first: Losses, second: Losses) -> float:
    """The largest relative difference of two tables of losses; infinite where their shapes differ."""
    if [len(row) for row in first] != [len(row) for row in second]:
        return math.inf
    pairs = [pair for rows in zip(first, second, strict=True) for pair in zip(*rows, strict=True)]
    return max(abs(a - b) / abs(a) for a, b in pairs)


def _command_seconds(case: Case) -> float | None:
    """Wall time of ``initbench run`` from the shell to the end of the process, or None where it fails."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        done = subprocess.run(**_command(case, Path(folder)), check=False)
        seconds = time.perf_counter() - started
    if done.returncode:
        print(f"initbench run failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}", file=sys.stderr)
        return None
    return seconds


def _first_records_seconds(case: Case) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        with subprocess.Popen(**_command(case, Path(folder))) as command:
            while not (found := any(Path(folder).glob("results/benchmark/records/outcomes/*.parquet"))):
                if command.poll() is not None:
                    break
                time.sleep(0.005)
            seconds = time.perf_counter() - started
            command.communicate()
    if not found:
        raise DisagreementError("initbench run ended without records")
    return seconds


def _command(case: Case, folder: Path) -> dict[str, Any]:
    """What ``subprocess`` needs to run a case in a folder of its own."""
    (folder / "benchmark.yaml").write_text(case.config())
    program = Path(sys.executable).with_name("initbench")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return {"args": [program, "run", "benchmark.yaml"], "cwd": folder, "text": True, **pipes}
