"""What is trained: four networks on the digits inside the package, with Adam and batches of 64.

A case is an ordinary config. The stacks, the order of the batches and the samples come from the product's own planner,
so that what is timed is what ``initbench run`` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from torch import nn

from initbench.config import Experiment, load_text
from initbench.datasets import Data, Split, probe_batch, standardised
from initbench.datasets.mnist_10k import Mnist10k
from initbench.execute import PROBE_SAMPLES, schedule
from initbench.plan import StackPlan, Trial
from initbench.train.initialise import initialised
from initbench.train.material import Material

BATCH = 64
REPLICAS = 8
NEVER = 10**9
PROBED_EVERY = 10
NOWHERE = Path("no-results")  # planning reads the results folder, and there is none


@dataclass(frozen=True)
class Case:
    """A network in YAML, how many updates a timing takes, and what is under test."""

    network: str
    updates: int
    replicas: int = REPLICAS
    init: str = "he"

    def config(self, *, probed: bool = False, rows_every: int = 10) -> str:
        """The YAML. The test set is looked at before and after training alone, and holds one batch in ``material``."""
        return f"""
dataset: mnist_10k
network: {self.network}
activation: relu
init: {self.init}
optimizer: adam
batch_size: {BATCH}
steps: {self.updates}
device: cpu
seeds: {self.replicas}
eval_every: {NEVER}
log_every: {rows_every}
probe: {[*range(PROBED_EVERY, self.updates + 1, PROBED_EVERY)] if probed else "none"}
"""

    def experiment(self, *, probed: bool = False, rows_every: int = 10) -> Experiment:
        """The validated config."""
        return load_text(self.config(probed=probed, rows_every=rows_every), "benchmark.yaml", ["name=benchmark"])

    def stacks(self, *, probed: bool = False, rows_every: int = 10) -> tuple[StackPlan, ...]:
        """The trials, cut as the product cuts them."""
        return schedule(self.experiment(probed=probed, rows_every=rows_every), NOWHERE, Path()).stacks

    @property
    def trials(self) -> list[Trial]:
        """Every trial, stack by stack."""
        return [trial for stack in self.stacks() for trial in stack.trials]

    @property
    def material(self) -> Material:
        """One epoch of samples: as many batches as there are updates."""
        return _material(self.updates * BATCH)

    def networks(self, trials: Sequence[Trial]) -> list[nn.Module]:
        """The filled networks of some trials, as plain modules."""
        return list(initialised(trials, self.material).networks)


@cache
def _data() -> Data:
    return standardised(Mnist10k().load(Path()))


@cache
def _material(samples: int) -> Material:
    data = _data()
    if samples > len(data.train.x):
        raise ValueError(f"{samples} samples are more than the {len(data.train.x)} of an epoch: take fewer updates")
    return Material(
        spec=Mnist10k().spec(Path()),
        train=_head(data.train, samples),
        test=_head(data.test, BATCH),
        probe=probe_batch(data.train, PROBE_SAMPLES),
    )


def _head(split: Split, count: int) -> Split:
    return Split(x=split.x[:count].clone(), y=split.y[:count].clone())
