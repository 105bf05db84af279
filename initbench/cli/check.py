"""``initbench check``: train afresh, hold the run to its baseline and expectations, and end with an exit code."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from initbench.cli import console, guard, verdict
from initbench.cli.options import Config, Overrides, Training, expanded
from initbench.cli.verdict import Outputs
from initbench.errors import InitbenchError

if TYPE_CHECKING:
    from initbench.config import Experiment
    from initbench.gate import Baseline, Tolerance
    from initbench.records import Results

MOST_SEEDS = 10_000
STRICTNESS = "Strictness"


@dataclass(frozen=True)
class Strictness:
    """What makes a check fail."""

    margin: Annotated[
        str,
        typer.Option(
            help="A change up to this is nobody's concern: 10% or 0.1.", rich_help_panel=STRICTNESS, metavar="SHARE"
        ),
    ] = "10%"
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Compare these metrics alone, separated by commas.",
            show_default="steps_to_target, loss_area, final_train_loss, final_test_accuracy",
            rich_help_panel=STRICTNESS,
        ),
    ] = None
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail where a comparison is inconclusive.", rich_help_panel=STRICTNESS)
    ] = False
    exact: Annotated[
        bool, typer.Option("--exact", help="Fail where any number changed.", rich_help_panel=STRICTNESS)
    ] = False
    seeds: Annotated[
        str | None,
        typer.Option(
            help="Train other seeds than the baseline's, such as 100-104 or 7,8,9; compared without pairs.",
            rich_help_panel=STRICTNESS,
        ),
    ] = None

    def tolerance(self) -> Tolerance:
        """The options, read. Raises InitbenchError."""
        from initbench.gate import Tolerance
        from initbench.gate.metrics import METRICS

        metrics = None if self.metrics is None else tuple(name.strip() for name in self.metrics.split(","))
        for name in metrics or ():
            if name not in METRICS:
                raise InitbenchError(f"--metrics: found {name!r}, expected some of {', '.join(METRICS)}")
        return Tolerance(_share(self.margin), metrics, self.strict, self.exact)


@dataclass(frozen=True)
class Standard:
    """What a run is held to, and how strictly."""

    baseline: Annotated[
        Path | None,
        typer.Option(
            "--baseline",
            "-b",
            help="The file that initbench baseline wrote.",
            show_default="the config's expect: alone",
            metavar="FILE",
        ),
    ] = None
    update: Annotated[
        bool, typer.Option("--update", help="Write the baseline anew: what is measured now is accepted.")
    ] = False
    strictness: Strictness = Strictness()

    def __post_init__(self) -> None:
        """Refuse what cannot be written anew. Raises InitbenchError."""
        if self.update and (self.baseline is None or self.strictness.seeds is not None):
            raise InitbenchError("--update needs --baseline FILE, and the seeds of the config")

    def stored(self, experiment: Experiment, data_dir: Path | None) -> Baseline | None:
        """The baseline in the file, unless there is none, or it is to be replaced and cannot be used.

        Raises
        ------
        BaselineError
            The file cannot be read, or belongs to another experiment.
        InitbenchError
            There is nothing to hold a run to.
        """
        from initbench.checking import matching_baseline, something_to_hold_to
        from initbench.datasets import data_folder
        from initbench.gate import BaselineError

        found = None
        if self.baseline is not None:
            other_seeds = self.strictness.seeds is not None
            try:
                found = matching_baseline(self.baseline, experiment, data_folder(data_dir), other_seeds=other_seeds)
            except BaselineError:
                if not self.update:
                    raise
        if not self.update:
            something_to_hold_to(experiment, found)
        return found


@expanded
def check(
    config: Config,
    standard: Standard,
    training: Training,
    outputs: Outputs,
    overrides: Overrides = None,
) -> None:
    """Train afresh and fail if convergence got worse than the baseline's.

    Exit code 0: no regression. 1: a regression. 2: config or baseline cannot be used. 3: it could not be measured.

    Example: initbench check configs/ci.yaml --baseline results/baselines/ci.json
    """
    training.machines.expect_workers()
    from initbench.checking import expect_writable
    from initbench.cli.gating import fresh
    from initbench.config import load
    from initbench.gate import judge

    tolerance = standard.strictness.tolerance()
    changes = [*(overrides or ()), *(_seed_overrides(standard.strictness.seeds))]
    experiment = load(config, changes, training.data_dir)
    before = standard.stored(experiment, training.data_dir)
    renewed = standard.baseline if standard.update else None
    for file in (renewed, *outputs.files):
        if file is not None:
            expect_writable(file)
    started = time.perf_counter()
    with fresh(experiment, training) as results:
        report = judge(results, before, dict(experiment.expect), tolerance)
        seconds = time.perf_counter() - started
        verdict.show(report, outputs, config if Path(config).is_file() else None)
        code = report.exit_code if renewed is None else _accept(results, renewed)
    for problem in verdict.write(report, outputs, seconds):
        guard.complain(problem)
        code = code or guard.WRONG_USAGE
    if code:
        raise typer.Exit(code)


def _accept(results: Results, path: Path) -> int:
    """Write the baseline anew: exit code 0, or 3 where that was not measured."""
    from initbench.checking import NotMeasured, complete_baseline

    try:
        complete_baseline(results).write(path)
    except NotMeasured as error:
        guard.complain(str(error))
        return guard.NOT_MEASURED
    console.say(f"{path}: written anew", err=True)
    return 0


def _share(text: str) -> float:
    """``10%`` or ``0.1`` as a fraction."""
    number = text.strip().removesuffix("%")
    try:
        value = float(number) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 10:
        raise InitbenchError(f"--margin: found {text!r}, expected a share >= 0 such as 10% or 0.1")
    return value


def _seed_overrides(text: str | None) -> list[str]:
    """``100-104`` or ``7,8,9`` as an override of the config."""
    if text is None:
        return []
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if not 0 <= last - first < MOST_SEEDS:
            raise InitbenchError(f"--seeds: found {text!r}, expected seeds such as 100-104 or 7,8,9")
        seeds += range(first, last + 1)
    return [f"seeds=[{','.join(map(str, seeds))}]"]
