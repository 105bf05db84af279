"""From a trial to its filled network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from initbench.inits import FillContext
from initbench.layers import seed_dropout
from initbench.plan import Trial
from initbench.seeding import derived_seed
from initbench.sites import Site, survey, with_time_steps
from initbench.train.material import Material


@dataclass(frozen=True)
class Filled:
    """The networks of alike trials, filled by their schemes.

    ``sites`` are those to measure at, marked time steps among them; ``seconds`` is what each fill took.
    """

    networks: tuple[nn.Module, ...]
    sites: tuple[Site, ...]
    seconds: tuple[float, ...]


def initialised(trials: Sequence[Trial], material: Material) -> Filled:
    """Build and fill the network of each trial, on the CPU in float32, so that draws are the same on every device."""
    networks = [build(trial, material) for trial in trials]
    sites = survey(networks[0], material.probe.x[:2])
    seconds = []
    for trial, network in zip(trials, networks, strict=True):
        started = time.perf_counter()
        trial.init.fill(network, FillContext(seed=trial.seed, sites=sites, batch=material.probe.x))
        seed_dropout(network, trial.seed)
        seconds.append(time.perf_counter() - started)
    return Filled(tuple(networks), with_time_steps(networks[0], sites), tuple(seconds))


def build(trial: Trial, material: Material) -> nn.Module:
    """The trial's network before its scheme fills it.

    Layers of PyTorch draw their weights from the global generator when they are made. Those draws are overwritten, but
    a module may hold others; so it is made in a fork of that generator, seeded from the trial.
    """
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(derived_seed(trial.seed, "construction"))
        return trial.network.build(material.spec.input_shape, material.spec.outputs, trial.activation)
