"""Signals before training: every scheme of an experiment drawn, probed on real data and set against theory.

No step is trained. The seeds of a scheme ride in one stack, and schemes are probed side by side, a thread each.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from initbench.activations import Activation
from initbench.config import Experiment
from initbench.cores import available_cores
from initbench.datasets import Split
from initbench.errors import InitbenchError
from initbench.execute import limits
from initbench.execute.resources import resolve_device
from initbench.inits import FillContext
from initbench.plan import Trial, plan
from initbench.records import Manifest, Records, Results
from initbench.sites import Site, survey
from initbench.theory import Standing, standing
from initbench.theory.steps import MEAN_WITHIN
from initbench.train.blueprint import Blueprint, blueprint
from initbench.train.initialise import build
from initbench.train.journal import Probed
from initbench.train.material import Material
from initbench.train.prediction import Predictor
from initbench.train.probe import Probe, Statistics
from initbench.train.stack import BatchedStack, LoopedStack, Stack, stack
from initbench.train.stack.batched import Unbatchable

PLAIN = frozenset({"input", "flatten", "weights", "activation", "scale"})
"""The kinds of step of networks that χ₁ describes: neither normalized nor residual."""


@dataclass(frozen=True)
class Propagation:
    """What was measured: ``results`` as of a run probed at step 0 that trained nothing, and theory's view by scheme.

    ``refused`` are the schemes that cannot fill this network, with their reasons; they have no rows. ``concerns`` are
    what the others assume and do not find in it, ``closed`` the residual branches that they close at first, by layer.
    ``pointless`` are the schemes made for layers that this network lacks.
    """

    results: Results
    standings: dict[str, Standing | None]
    refused: dict[str, str]
    concerns: dict[str, tuple[str, ...]]
    closed: dict[str, tuple[tuple[str, ...], ...]]
    pointless: frozenset[str]


def propagate(
    experiment: Experiment, material: Material, data_dir: Path, tell: Callable[[int], None] = lambda _: None
) -> Propagation:
    """Draw, probe and predict every scheme of an experiment that has one network, activation and dataset.

    ``tell`` is given the number of schemes that are done, whenever there is another one.

    Raises
    ------
    InitbenchError
        The experiment describes more than one network, or one that does not fit into memory.
    """
    planned = plan(experiment, data_dir)
    limits.check_plan(planned)
    swept = [axis for axis in planned.axes if axis.partition(".")[0] in ("network", "activation", "dataset")]
    if swept:
        raise InitbenchError(f"a probe looks at one network; this experiment sweeps {', '.join(swept)}")
    device = torch.device(resolve_device(experiment.device))
    limits.check_trials(planned, {dataset.label: material.spec for dataset in experiment.dataset}, device.type)
    trials = planned.trials[: planned.trials.group]  # schemes and seeds; recipes do not matter before training
    groups = [tuple(group) for _, group in groupby(trials, key=lambda trial: trial.init.label)]
    bench = _bench(trials[0], material, device)
    found = []
    for one in _probed(bench, groups):
        found.append(one)
        tell(len(found))
    rows = [pd.DataFrame({"id": []}), *(one.rows for one in found if not one.refusal)]
    outcomes = pd.DataFrame({"id": [trial.id for trial in trials], "init": [trial.init.label for trial in trials]})
    records = Records(outcomes=outcomes, curves=pd.DataFrame({"id": []}), layers=pd.concat(rows, ignore_index=True))
    target = experiment.target
    manifest = Manifest(experiment.name, tuple(outcomes["id"]), ("init",), target.metric, target.value)
    return Propagation(
        results=Results(Path(), manifest, records, experiment.to_yaml(), {}),
        standings={one.init: one.standing for one in found},
        refused={one.init: one.refusal for one in found if one.refusal},
        concerns={one.init: one.concerns for one in found},
        closed={one.init: one.closed for one in found},
        pointless=frozenset(init.label for init in experiment.init if init.is_pointless(bench.sites)),
    )


def _probed(bench: _Bench, groups: Sequence[Sequence[Trial]]) -> Iterator[_Found]:
    """Each scheme in turn, as many at a time as there are cores.

    Networks are filled and measured in threads. They are stacked in between, by one thread while the others wait: the
    tracing of ``torch.fx`` intercepts the calls of every module in the process.
    """
    cores = available_cores()
    with _side_by_side(cores) as pool:
        for start in range(0, len(groups), cores):
            some = groups[start : start + cores]
            filled = pool.map(bench.filled, some)
            stacks = [networks if isinstance(networks, str) else bench.stacked(networks) for networks in list(filled)]
            yield from pool.map(bench.measured, some, stacks)


@contextmanager
def _side_by_side(cores: int) -> Iterator[ThreadPoolExecutor]:
    """A thread for each core, each of which computes alone: that keeps them busier than sharing every operation.

    Vanishing signals reach subnormal numbers, which are slow; a thread has to ask for itself that they be flushed.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(cores, initializer=torch.set_flush_denormal, initargs=(True,)) as pool:
            yield pool
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class _Found:
    """What became of one scheme."""

    init: str
    rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    standing: Standing | None = None
    refusal: str = ""
    concerns: tuple[str, ...] = ()
    closed: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class _Bench:
    """Where schemes are probed: a network to copy and what follows from its structure, found once for all of them."""

    template: nn.Module
    sites: tuple[Site, ...]
    graph: Blueprint
    form: type[Stack]
    material: Material
    device: torch.device
    dtype: torch.dtype

    def filled(self, trials: Sequence[Trial]) -> list[nn.Module] | str:
        """A network for each trial of a scheme, or why there is none."""
        init = trials[0].init
        refusal = init.refusal(self.sites)
        if refusal is not None:
            return refusal.removeprefix(f"{init.label} ")
        networks = [_copied(self.template, self.sites) for _ in trials]
        try:
            for network, trial in zip(networks, trials, strict=True):
                init.fill(network, FillContext(seed=trial.seed, sites=self.sites, batch=self.material.probe.x))
        except ValueError as error:  # how a scheme says that a network does not meet what it needs
            return str(error)
        return networks

    def stacked(self, networks: Sequence[nn.Module]) -> Stack:
        """The networks as one, on the device."""
        placed = [network.to(self.device, self.dtype) for network in networks]
        if self.form is BatchedStack:
            return BatchedStack(placed, self.material.probe.x[:2].to(self.device, self.dtype))
        return LoopedStack(placed)

    def measured(self, trials: Sequence[Trial], stacked: Stack | str) -> _Found:
        """The rows of one scheme's trials, and theory's view of them."""
        init, sites = trials[0].init, self.sites
        if isinstance(stacked, str):
            return _Found(init.label, refusal=stacked)
        probed = self.material.to(self.device, self.dtype).probe
        probe = Probe(sites, Split(probed.x.unsqueeze(0), probed.y.unsqueeze(0)), self.material.spec.task)
        statistics = probe.measure(stacked)
        predictor = Predictor(self.graph, sites, probed.x, [init.draws_independently] * len(trials))
        columns = {**statistics, **predictor.columns(stacked, statistics)}
        rows = Probed(0, [trial.id for trial in trials], sites, columns).rows()
        followed = init.draws_independently and all(node.kind in PLAIN for node in self.graph.nodes)
        view = _standing(trials[0].activation, sites, stacked, statistics) if followed else None
        return _Found(init.label, rows, view, concerns=init.concerns(sites), closed=_closed(sites, stacked))


def _bench(trial: Trial, material: Material, device: torch.device) -> _Bench:
    template = build(trial, material)
    sample = material.probe.x[:2]
    return _Bench(
        template=template,
        sites=survey(template, sample),
        graph=blueprint(template, sample),
        form=_form(trial, template, sample),
        material=replace(material, train=material.probe, test=material.probe),  # only the probe is moved about
        device=device,
        dtype=trial.recipe.torch_dtype,
    )


def _copied(template: nn.Module, sites: Sequence[Site]) -> nn.Module:
    """A copy whose weights are yet to be filled, and so are not copied: in a wide network that takes a second."""
    weights = [template.get_parameter(site.weight) for site in sites]
    return copy.deepcopy(template, {id(weight): nn.Parameter(torch.empty_like(weight)) for weight in weights})


def _form(trial: Trial, template: nn.Module, sample: Tensor) -> type[Stack]:
    """The form that ``stack`` chooses: it tries whether both agree, as the tests did for networks of this package."""
    pair = [template, template]
    if type(trial.network).__module__.startswith("initbench."):
        try:
            return type(BatchedStack(pair, sample))
        except Unbatchable:
            return LoopedStack
    return type(stack(pair, sample))


def _closed(sites: Sequence[Site], stacked: Stack) -> tuple[tuple[str, ...], ...]:
    """The branches that zeros at their end close in every draw: those of the last weight, or of the trained factor.

    Nothing opens a branch that has both, or zeros elsewhere: its parameters have no gradient.
    """
    branches: dict[int, list[Site]] = {}
    for site in sites:
        if site.branch is not None:
            branches.setdefault(site.branch.index, []).append(site)

    def is_zero(parameter: str | None) -> bool:
        return parameter is not None and not bool(stacked.parameters[parameter].any())

    found = []
    for inside in branches.values():
        *before, end = inside
        factor = end.branch.multiplier if end.branch else None
        if is_zero(end.weight) != is_zero(factor) and not any(is_zero(site.weight) for site in before):
            found.append(tuple(site.layer for site in inside))
    return tuple(found)


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
    bias_variance = sum(float(bias.cpu().double().square().mean()) for bias in biases) / len(sites[inner])
    count = int(sizes.sum()) * stacked.replicas
    return standing(activation.values, activation.slopes, drawn, bias_variance, count)
