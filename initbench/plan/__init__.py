"""Experiment to trials to stacks.

A trial is everything that decides one training run, and nothing else; its id is a hash of that content. Stacks are cut
from groups of trials that differ in scheme and seeds alone.

Both sequences are lazy: an element is made when it is asked for, and counts are arithmetic, so that a plan of a million
trials costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from initbench.component import Component
from initbench.config import SCALARS, Experiment
from initbench.plan.stacks import Limit, StackPlan, Stacks
from initbench.plan.trial import NUMERICS, Trial
from initbench.plan.trials import Trials

__all__ = ["NUMERICS", "Limit", "Plan", "StackPlan", "Stacks", "Trial", "Trials", "plan"]

_COMPONENTS = ("dataset", "network", "activation", "optimizer", "schedule")


@dataclass(frozen=True)
class Plan:
    """The trials of an experiment in order, and ``axes``: the columns along which they differ besides the seeds."""

    trials: Trials
    axes: tuple[str, ...]

    def stacks(self, limit: Limit) -> Stacks:
        """Every trial in one stack of at most ``limit``."""
        return Stacks(self.trials, limit)


def plan(experiment: Experiment, data_dir: Path) -> Plan:
    """The plan of an experiment. Raises DatasetError where samples are missing or damaged."""
    fingerprints = {dataset: dataset.fingerprint(data_dir) for dataset in experiment.dataset}
    return Plan(trials=Trials(experiment, fingerprints), axes=tuple(_axes(experiment)))


def _axes(experiment: Experiment) -> Iterator[str]:
    """``init`` first; of other components the options that vary, or the component where its kind varies too."""
    yield "init"
    for kind in _COMPONENTS:
        components: tuple[Component, ...] = getattr(experiment, kind)
        if len({type(component) for component in components}) > 1:
            yield kind
        else:
            options = [component.options() for component in components]
            yield from (f"{kind}.{name}" for name in options[0] if any(o[name] != options[0][name] for o in options))
    yield from (name for name in SCALARS if len(getattr(experiment, name) or ()) > 1)
