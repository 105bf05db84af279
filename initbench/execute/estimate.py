"""How long a run will take: a few steps of its first stack, timed, and scaled to the rest by their arithmetic."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from initbench.config import Observation
from initbench.datasets import Spec
from initbench.execute.materials import material_of
from initbench.execute.scheduling import Schedule
from initbench.execute.worker import prepare
from initbench.plan import StackPlan, Trial
from initbench.train.loop import train
from initbench.train.material import Material

TIMED_STEPS = 10
STARTING_SECONDS = 4.0  # importing torch in a worker, and drawing the figures at the end


def estimate(work: Schedule, workers: int, threads: int) -> float:
    """Seconds until the pending stacks have run on so many workers; good to a factor of two."""
    specs = {dataset.label: dataset.spec(work.data_dir) for dataset in work.experiment.dataset}
    costs = [_step_cost(stack, specs) * _steps(stack.trials[0], specs) for stack in work.pending]
    first = work.pending[0]
    material = material_of(first.trials[0].dataset, work.data_dir)
    rate = _step_seconds(first, material, work.device, threads) / _step_cost(first, specs)
    return STARTING_SECONDS + rate * max(sum(costs) / workers, *costs)


def _step_seconds(stack: StackPlan, material: Material, device: str, threads: int) -> float:
    """Seconds of one update of a stack: a long try less a short one, so that setting up does not count."""
    tries = [_cut_short(stack, steps) for steps in (1, 1 + TIMED_STEPS)]
    own = torch.get_num_threads()
    try:
        with ThreadPoolExecutor(1, initializer=prepare, initargs=(threads,)) as pool:
            short, long = (pool.submit(_seconds, trials, material, device).result() for trials in tries)
    finally:
        torch.set_num_threads(own)
    return max(long - short, 0.0) / TIMED_STEPS


def _cut_short(stack: StackPlan, steps: int) -> tuple[Trial, ...]:
    recipe = stack.trials[0].recipe.model_copy(update={"epochs": None, "steps": steps})
    unobserved = Observation(eval_every=1 + steps, probe="none")
    return tuple(replace(trial, recipe=recipe, observation=unobserved) for trial in stack.trials)


def _seconds(trials: tuple[Trial, ...], material: Material, device: str) -> float:
    started = time.perf_counter()
    train(trials, material, torch.device(device), lambda *_: None)
    return time.perf_counter() - started


def _steps(trial: Trial, specs: Mapping[str, Spec]) -> int:
    per_epoch = max(1, specs[trial.dataset.label].train_samples // trial.recipe.batch_size)
    return trial.recipe.total_steps(per_epoch)


def _step_cost(stack: StackPlan, specs: Mapping[str, Spec]) -> float:
    """The arithmetic of one update, in forward passes' floating point operations."""
    trial = stack.trials[0]
    spec = specs[trial.dataset.label]
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = trial.network.build(spec.input_shape, spec.outputs, trial.activation)
        network.eval()(torch.empty(2, *spec.input_shape))
    return float(counter.get_total_flops()) / 2 * trial.recipe.batch_size * len(stack.trials)
