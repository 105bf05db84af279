"""How long a run will take: the arithmetic of all its stacks, corrected by timing some updates of a small one.

Stacks are added up by group, so that a plan of a million trials is estimated as fast as one of ten.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from initbench import costs
from initbench.config import Observation
from initbench.datasets import Spec, Split
from initbench.execute.limits import NEEDING, steps_of
from initbench.execute.materials import PROBE_SAMPLES
from initbench.execute.scheduling import Schedule
from initbench.execute.worker import prepare
from initbench.plan import Trial
from initbench.seeding import generator
from initbench.train.loop import train
from initbench.train.material import Material

ROUNDS, TIMED_STEPS = 3, 10
TIMED_SECONDS = 0.15  # of a round, by arithmetic: slower updates are timed in smaller numbers
SLOWEST_TIMED = 0.3  # seconds of an update, by arithmetic, beyond which timing it would take longer than one waits
STARTING_SECONDS = 4.0  # importing torch in a worker, and drawing the figures at the end


def estimate(work: Schedule, workers: int, threads: int) -> float:
    """Seconds until the pending stacks have run on so many workers; good to a factor of two."""
    return STARTING_SECONDS + Arithmetic(work).seconds(workers) * _correction(work, threads)


@dataclass(frozen=True)
class Arithmetic:
    """The time of a run as ``costs`` has it. Arrays have the form of ``Trials.by_group``."""

    work: Schedule

    def seconds(self, workers: int) -> float:
        """Until the pending stacks have run on so many workers: their share of all, or the longest of them."""
        took = np.where(self._pending > 0, self._stack_seconds, 0.0)
        times = self.work.plan.trials.groups // np.broadcast(self._pending, took).size
        return max(float((self._pending * took).sum()) * times / workers, float(took.max()))

    @cached_property
    def _stack_seconds(self) -> NDArray[Any]:
        """What a stack of each group takes."""
        trials, specs = self.work.plan.trials, _specs(self.work)

        def without_members(trial: Trial) -> float:
            return steps_of(trial, specs[trial.dataset.label]) * _update_seconds(trial, specs, replicas=0)

        def with_one(trial: Trial) -> float:
            return steps_of(trial, specs[trial.dataset.label]) * _update_seconds(trial, specs, replicas=1)

        fixed = trials.by_group(without_members, NEEDING)
        members = trials.group / self.work.stacks.counts
        return np.asarray(fixed + members * (trials.by_group(with_one, NEEDING) - fixed))

    @cached_property
    def _pending(self) -> NDArray[Any]:
        """How many stacks of each group are pending."""
        work = self.work
        if len(work.pending) == len(work.stacks):
            return work.stacks.counts
        groups = work.stacks.group_of(np.asarray(work.pending.positions))
        return np.bincount(groups, minlength=work.plan.trials.groups).reshape(work.plan.trials.shape)


def _correction(work: Schedule, threads: int) -> float:
    """How much longer an update takes than by arithmetic; 1 where even a small stack is too slow to be timed."""
    specs, stack = _specs(work), work.pending[0].trials
    expected = _update_seconds(stack[0], specs, len(stack))
    if expected > SLOWEST_TIMED:
        return 1.0
    updates = max(1, min(TIMED_STEPS, int(TIMED_SECONDS / expected)))
    measured = _timed(stack, specs[stack[0].dataset.label], work.device, threads, updates)
    return measured / expected if measured else 1.0  # none where all diverged at once


def _timed(stack: tuple[Trial, ...], spec: Spec, device: str, threads: int, updates: int) -> float:
    """Seconds of one update of a stack, once it is under way; so many are timed at once."""
    material = _made_up(spec, stack[0].recipe.batch_size)
    recipe = stack[0].recipe.model_copy(update={"epochs": None, "steps": ROUNDS * updates})
    observation = Observation(eval_every=ROUNDS * updates, log_every=updates, probe="none")
    trials = tuple(replace(trial, recipe=recipe, observation=observation) for trial in stack)
    passed: list[float] = []

    def note(_step: int, _steps: int, _losses: dict[str, float]) -> None:
        passed.append(time.perf_counter())

    own = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(1, initializer=prepare, initargs=(threads,)) as pool:
            pool.submit(train, trials, material, torch.device(device), note).result()
    finally:
        torch.set_num_threads(own)
    return min((after - before for before, after in pairwise(passed)), default=0.0) / updates


def _made_up(spec: Spec, batch: int) -> Material:
    """Samples of the right shape: an update takes the same time whatever they hold, and none has to be read."""
    rng = generator(0, "estimate")
    count = max(batch, PROBE_SAMPLES)
    x = torch.randn(count, *spec.input_shape, generator=rng)
    classes = torch.randint(spec.outputs, (count,), generator=rng)
    some = Split(x, classes if spec.task == "classification" else torch.randn(count, spec.outputs, generator=rng))
    return Material(spec=spec, train=some, test=Split(some.x[:1], some.y[:1]), probe=some)


def _update_seconds(trial: Trial, specs: Mapping[str, Spec], replicas: int) -> float:
    spec = specs[trial.dataset.label]
    size = trial.network.size(spec.input_shape, spec.outputs, trial.activation)
    return costs.update_seconds(size, trial.recipe.batch_size, replicas)


def _specs(work: Schedule) -> dict[str, Spec]:
    return {dataset.label: dataset.spec(work.data_dir) for dataset in work.experiment.dataset}
