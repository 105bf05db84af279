"""What is refused before anything is allocated: plans, data and networks that do not fit into this machine's memory.

All of it is arithmetic on the plan (``costs``). Memory is refused for good, since asking again makes no more of it.
Time is only asked about (``--yes``), by whoever has an estimate of it.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from initbench import costs
from initbench.datasets import Dataset, DatasetError, Spec
from initbench.errors import InitbenchError
from initbench.execute.resources import trial_bytes
from initbench.memory import whole_memory
from initbench.plan import Plan, Trial

LONGEST_SECONDS = 86_400.0
"""A run that takes longer is started with ``--yes`` alone: a day is beyond what one starts by mistake."""

NEEDING = ("dataset", "network", "activation", "batch_size", "epochs", "steps", "dtype")
"""The axes that decide what a trial takes."""

Specs = Mapping[str, Spec]


def check_plan(plan: Plan) -> None:
    """Refuse a plan whose trials cannot even be listed. Raises InitbenchError."""
    count = plan.trials.groups * plan.trials.group
    needed, there = count * costs.TRIAL_BYTES, whole_memory()
    if needed > there:
        raise InitbenchError(
            f"{count} trials: their list alone takes {costs.amount(needed)} of memory, and this machine has "
            f"{costs.amount(there)}; at a second a trial they take {costs.span(count)}; "
            "sweep fewer values, or fewer seeds"
        )


def check_trials(plan: Plan, specs: Specs, device: str) -> None:
    """Refuse trials that this machine cannot train even one at a time. Raises InitbenchError."""
    for trial in plan.trials.representatives(NEEDING):
        spec = specs[trial.dataset.label]
        _check_host(trial, spec)
        _check_device(trial, spec, device)


def check_data(dataset: Dataset, spec: Spec) -> None:
    """Refuse to draw what this machine cannot hold. Raises DatasetError."""
    needed, there = costs.drawn_bytes(dataset, spec), whole_memory()
    if needed > there:
        raise DatasetError(
            f"dataset: {dataset.label} takes {costs.amount(needed)} of memory, "
            f"and this machine has {costs.amount(there)}"
        )


def steps_of(trial: Trial, spec: Spec) -> int:
    """The number of updates of a trial."""
    return trial.recipe.total_steps(max(1, spec.train_samples // trial.recipe.batch_size))


def _check_host(trial: Trial, spec: Spec) -> None:
    size = trial.network.size(spec.input_shape, spec.outputs, trial.activation)
    steps = steps_of(trial, spec)
    update = costs.update_seconds(size, trial.recipe.batch_size)
    rows = steps // trial.observation.log_every + steps // (trial.observation.eval_every or steps)
    length = "epochs" if trial.recipe.steps is None else "steps"
    check_data(trial.dataset, spec)
    needs = {
        f"network: {trial.network.label}, a batch of {trial.recipe.batch_size}": trial_bytes(trial, spec)
        + costs.object_bytes(size),
        f"{length}: {getattr(trial.recipe, length)}, a row every {trial.observation.log_every} updates": rows
        * costs.ROW_BYTES,
    }
    there = whole_memory()
    for what, needed in needs.items():
        if needed > there:
            raise InitbenchError(
                f"{what}: one trial takes {costs.amount(needed)} of memory, and this machine has "
                f"{costs.amount(there)} (it would take {costs.span(steps * update)}, {costs.span(update)} an update)"
            )


def _check_device(trial: Trial, spec: Spec, device: str) -> None:
    if device != "cuda":
        return
    there = torch.cuda.get_device_properties(0).total_memory
    needed = trial_bytes(trial, spec)
    if needed > there:
        raise InitbenchError(
            f"network: {trial.network.label}, a batch of {trial.recipe.batch_size}: one trial takes "
            f"{costs.amount(needed)} of memory, and the GPU has {costs.amount(there)}"
        )
