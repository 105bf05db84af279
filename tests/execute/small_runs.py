"""A small experiment, what its runs say and leave behind, and how two of them are compared."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd

from initbench.execute import Event, Resources, Schedule, execute
from initbench.records import ResultsFolder

TINY = """
dataset: {name: synthetic, features: 6, classes: 3, samples: 40, test_samples: 20}
network: {name: mlp, depth: 3, width: 8}
activation: [relu, tanh]
init: [he, xavier]
batch_size: 10
steps: 12
seeds: 4
device: cpu
"""

Planned = Callable[..., Schedule]
"""Makes a schedule of the small experiment, with overrides, against a folder."""


def done(work: Schedule, workers: int = 1, fail_fast: bool = False) -> list[Event]:
    """Everything that a run says."""
    return list(execute(work, Resources(workers=workers, fail_fast=fail_fast)))


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    """The records of a folder without what differs from run to run."""
    records = ResultsFolder(folder).read().records
    outcomes = records.outcomes.drop(columns=["seconds", "init_seconds"])
    return {"outcomes": outcomes, "curves": records.curves, "layers": records.layers}


def assert_same(ours: dict[str, pd.DataFrame], theirs: dict[str, pd.DataFrame]) -> None:
    """Equal to the last bit."""
    for name, table in ours.items():
        pd.testing.assert_frame_equal(table, theirs[name], check_exact=True)


def of_kind(events: Sequence[Event], kind: type) -> list:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]
