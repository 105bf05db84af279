"""Signals before training: every scheme of an experiment drawn, probed on real data and set against theory.

No step is trained. The seeds of a scheme ride in one stack, in this process.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from initbench.activations import Activation
from initbench.config import Experiment
from initbench.datasets import Split
from initbench.errors import InitbenchError
from initbench.execute.resources import available_cores, resolve_device
from initbench.inits import FillContext
from initbench.plan import Trial, plan
from initbench.records import Manifest, Records, Results
from initbench.sites import Site, survey
from initbench.theory import Standing, standing
from initbench.theory.steps import MEAN_WITHIN
from initbench.train.blueprint import Blueprint, blueprint
from initbench.train.initialise import build
from initbench.train.journal import layer_rows
from initbench.train.material import Material
from initbench.train.prediction import Predictor
from initbench.train.probe import Probe, Statistics
from initbench.train.stack import BatchedStack, LoopedStack, Stack, stack

PLAIN = frozenset({"input", "flatten", "weights", "activation", "scale"})
"""The kinds of step of networks that χ₁ describes: neither normalized nor residual."""


@dataclass(frozen=True)
class Propagation:
    """What was measured: ``results`` as of a run probed at step 0 that trained nothing, and theory's view by scheme.

    ``refused`` are the schemes that cannot fill this network, with their reasons; they have no rows. ``concerns`` are
    what the others assume and do not find in it.
    """

    results: Results
    standings: dict[str, Standing | None]
    refused: dict[str, str]
    concerns: dict[str, tuple[str, ...]]


def propagate(experiment: Experiment, material: Material, data_dir: Path) -> Propagation:
    """Draw, probe and predict every scheme of an experiment that has one network, activation and dataset.

    Raises
    ------
    InitbenchError
        The experiment describes more than one network.
    """
    planned = plan(experiment, data_dir)
    swept = [axis for axis in planned.axes if axis.partition(".")[0] in ("network", "activation", "dataset")]
    if swept:
        raise InitbenchError(f"a probe looks at one network; this experiment sweeps {', '.join(swept)}")
    device = torch.device(resolve_device(experiment.device))
    trials = planned.trials[: planned.trials.group]  # schemes and seeds; recipes do not matter before training
    bench = _Bench(material, device)
    rows, standings, refused = [pd.DataFrame({"id": []})], {}, {}
    for label, group in groupby(trials, key=lambda trial: trial.init.label):
        try:
            found, standings[label] = bench.scheme(tuple(group))
        except ValueError as error:  # how a scheme says that a network does not meet what it needs
            refused[label] = str(error)
        else:
            rows.append(found)
    outcomes = pd.DataFrame({"id": [trial.id for trial in trials], "init": [trial.init.label for trial in trials]})
    records = Records(outcomes=outcomes, curves=pd.DataFrame({"id": []}), layers=pd.concat(rows, ignore_index=True))
    target = experiment.target
    manifest = Manifest(experiment.name, tuple(outcomes["id"]), ("init",), target.metric, target.value)
    return Propagation(Results(Path(), manifest, records, experiment.to_yaml(), {}), standings, refused, bench.concerns)


class _Bench:
    """Where schemes are probed one after the other. What depends on the network's structure alone is found once."""

    def __init__(self, material: Material, device: torch.device) -> None:
        self._material, self._device = material, device
        self._form: type[Stack] | None = None
        self._graph: Blueprint | None = None
        self.concerns: dict[str, tuple[str, ...]] = {}

    def scheme(self, trials: Sequence[Trial]) -> tuple[pd.DataFrame, Standing | None]:
        """The rows of one scheme's trials, and theory's view of them."""
        dtype = trials[0].recipe.torch_dtype
        probed = self._material.to(self._device, dtype).probe
        networks, sites = self._filled(trials)
        networks = [network.to(self._device, dtype) for network in networks]
        graph = self._graph = self._graph or blueprint(networks[0], probed.x[:2])
        stacked = self._stacked(networks, probed.x[:2])
        probe = Probe(sites, Split(probed.x.unsqueeze(0), probed.y.unsqueeze(0)), self._material.spec.task)
        statistics = probe.measure(stacked)
        independent = [trial.init.draws_independently for trial in trials]
        columns = {
            **statistics,
            **Predictor(graph, sites, probed.x, independent).columns(stacked, statistics),
        }
        rows = [layer_rows(trial.id, 0, sites, columns, replica) for replica, trial in enumerate(trials)]
        followed = all(independent) and all(node.kind in PLAIN for node in graph.nodes)
        view = _standing(trials[0].activation, sites, stacked, statistics) if followed else None
        return pd.concat(rows, ignore_index=True), view

    def _filled(self, trials: Sequence[Trial]) -> tuple[list[nn.Module], tuple[Site, ...]]:
        """A network for each trial: copies of one, filled side by side, since drawing keeps a single core busy."""
        template = build(trials[0], self._material)
        inputs = self._material.probe.x
        sites = survey(template, inputs[:2])
        init = trials[0].init
        refusal = init.refusal(sites)
        if refusal is not None:
            raise ValueError(refusal.removeprefix(f"{init.label} "))
        self.concerns[init.label] = init.concerns(sites)
        networks = [copy.deepcopy(template) for _ in trials]

        def fill(network: nn.Module, trial: Trial) -> None:
            trial.init.fill(network, FillContext(seed=trial.seed, sites=sites, batch=inputs))

        with ThreadPoolExecutor(available_cores()) as pool:
            list(pool.map(fill, networks, trials))
        return networks, sites

    def _stacked(self, networks: Sequence[nn.Module], sample: Tensor) -> Stack:
        if self._form is BatchedStack:
            return BatchedStack(networks, sample)
        if self._form is LoopedStack:
            return LoopedStack(networks)
        chosen = stack(networks, sample)
        self._form = type(chosen)
        return chosen


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
