"""What a user would write: the tutorial's loop, and a loop tuned with care. One network after another."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.cases import BATCH, Case
from initbench.datasets import Split
from initbench.plan import Trial
from initbench.seeding import generator

Losses = list[list[float]]
"""The loss of every update, network by network."""


def tutorial(case: Case) -> tuple[float, Losses]:
    """Seconds and losses of the loop that tutorials teach: a shuffling DataLoader, default Adam, ``loss.item()``."""
    trials, train = case.trials, case.material.train
    networks = case.networks(trials)
    started = time.perf_counter()
    losses = [_tutorial(network, train, trial) for network, trial in zip(networks, trials, strict=True)]
    return time.perf_counter() - started, losses


def tuned(case: Case) -> tuple[float, Losses]:
    """Seconds and losses of the same training with batches indexed in memory, fused Adam and no wait for the loss."""
    trials, train = case.trials, case.material.train
    networks = case.networks(trials)
    started = time.perf_counter()
    losses = [_tuned(network, train, trial) for network, trial in zip(networks, trials, strict=True)]
    return time.perf_counter() - started, [torch.stack(own).tolist() for own in losses]


def _tutorial(network: nn.Module, train: Split, trial: Trial) -> list[float]:
    shuffle = torch.Generator().manual_seed(trial.data_seed)
    loader = DataLoader(TensorDataset(train.x, train.y), batch_size=BATCH, shuffle=True, generator=shuffle)
    optimizer = torch.optim.Adam(network.parameters())
    losses = []
    for x, y in loader:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _tuned(network: nn.Module, train: Split, trial: Trial) -> list[torch.Tensor]:
    optimizer = torch.optim.Adam(network.parameters(), fused=True)
    losses = []
    for batch in batch_order(trial, len(train.x)).split(BATCH):
        loss = functional.cross_entropy(network(train.x[batch]), train.y[batch])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.detach())
    return losses


def batch_order(trial: Trial, samples: int) -> torch.Tensor:
    """The order in which the product reads the samples in a trial's first epoch."""
    return torch.randperm(samples, generator=generator(trial.data_seed, "batches", "0"))
