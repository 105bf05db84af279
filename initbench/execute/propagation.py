"""Signals before training: every scheme of an experiment drawn, probed on real data and set against theory.

No step is trained. The seeds of a scheme ride in one stack, in this process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from initbench.activations import Activation
from initbench.config import Experiment
from initbench.datasets import Split
from initbench.errors import InitbenchError
from initbench.execute.resources import resolve_device
from initbench.plan import Trial, plan
from initbench.records import Manifest, Records, Results
from initbench.sites import Site
from initbench.theory import Standing, standing
from initbench.theory.steps import MEAN_WITHIN
from initbench.train.blueprint import blueprint
from initbench.train.initialise import initialised
from initbench.train.journal import layer_rows
from initbench.train.material import Material
from initbench.train.prediction import Predictor
from initbench.train.probe import Probe, Statistics
from initbench.train.stack import Stack, stack

PLAIN = frozenset({"input", "flatten", "weights", "activation", "scale"})
"""The kinds of step of networks that χ₁ describes: neither normalized nor residual."""


@dataclass(frozen=True)
class Propagation:
    """What was measured: ``results`` as of a run probed at step 0 that trained nothing, and theory's view by scheme."""

    results: Results
    standings: dict[str, Standing | None]


def propagate(experiment: Experiment, material: Material, data_dir: Path) -> Propagation:
    """Draw, probe and predict every scheme of an experiment that has one network, activation and dataset.

    Raises
    ------
    InitbenchError
        The experiment sweeps something besides its schemes, or a scheme cannot fill the network.
    """
    planned = plan(experiment, data_dir)
    swept = [axis for axis in planned.axes if axis.partition(".")[0] in ("network", "activation", "dataset")]
    if swept:
        raise InitbenchError(f"a probe looks at one network; this experiment sweeps {', '.join(swept)}")
    device = torch.device(resolve_device(experiment.device))
    trials = planned.trials[: planned.trials.group]  # schemes and seeds; recipes do not matter before training
    rows, standings = [], {}
    for label, group in groupby(trials, key=lambda trial: trial.init.label):
        found, standings[label] = _scheme(tuple(group), material, device)
        rows.append(found)
    outcomes = pd.DataFrame({"id": [trial.id for trial in trials], "init": [trial.init.label for trial in trials]})
    records = Records(outcomes=outcomes, curves=pd.DataFrame({"id": []}), layers=pd.concat(rows, ignore_index=True))
    target = experiment.target
    manifest = Manifest(experiment.name, tuple(outcomes["id"]), ("init",), target.metric, target.value)
    return Propagation(Results(Path(), manifest, records, experiment.to_yaml(), {}), standings)


def _scheme(trials: Sequence[Trial], material: Material, device: torch.device) -> tuple[pd.DataFrame, Standing | None]:
    try:
        filled = initialised(trials, material)
    except ValueError as error:
        raise InitbenchError(f"{trials[0].init.label}: {error}") from error
    dtype = trials[0].recipe.torch_dtype
    probed = material.to(device, dtype).probe
    networks = [network.to(device, dtype) for network in filled.networks]
    graph = blueprint(networks[0], probed.x[:2])
    stacked = stack(networks, probed.x[:2])
    probe = Probe(filled.sites, Split(probed.x.unsqueeze(0), probed.y.unsqueeze(0)), material.spec.task)
    statistics = probe.measure(stacked)
    independent = [trial.init.draws_independently for trial in trials]
    predicted = Predictor(graph, filled.sites, probed.x, independent).columns(stacked, statistics)
    columns = {**statistics, **predicted}
    rows = [layer_rows(trial.id, 0, filled.sites, columns, replica) for replica, trial in enumerate(trials)]
    followed = all(independent) and all(node.kind in PLAIN for node in graph.nodes)
    view = _standing(trials[0].activation, filled.sites, stacked, statistics) if followed else None
    return pd.concat(rows, ignore_index=True), view


def _standing(activation: Activation, sites: Sequence[Site], stacked: Stack, statistics: Statistics) -> Standing | None:
    """Theory's view of the hidden layers that follow others: all but the first and the output layer."""
    inner = slice(1, len(sites) - 1)
    if not sites[inner]:
        return None
    mean, variance = statistics["weight_mean"][inner], statistics["weight_std"][inner] ** 2
    sizes = np.array([[math.prod(site.shape)] for site in sites[inner]])
    if (np.abs(mean) > MEAN_WITHIN * np.sqrt(variance / sizes)).any():
        return None
    drawn = float((np.array([[site.fan_in] for site in sites[inner]]) * variance).mean())
    biases = [stacked.parameters[site.bias].detach() for site in sites[inner] if site.bias]
    bias_variance = sum(float(bias.double().square().mean()) for bias in biases) / len(sites[inner])
    count = int(sizes.sum()) * stacked.replicas
    return standing(activation.values, activation.slopes, drawn, bias_variance, count)
