"""From a trial to its filled network."""

from __future__ import annotations

import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from initbench.inits import FillContext
from initbench.layers import seed_dropout
from initbench.plan import Trial
from initbench.printable import one_line, printable
from initbench.seeding import derived_seed
from initbench.sites import Site, survey, with_time_steps
from initbench.train.material import Material

OUT_OF_MEMORY = (
    "can't allocate memory",  # PyTorch on a CPU
    "not enough memory",  # the same on Windows
    "std::bad_alloc",
    "backend out of memory",  # on Apple's accelerator
    "_STATUS_ALLOC_FAILED",  # cuBLAS and cuDNN
)
LONGEST_REASON = 500  # characters


@dataclass(frozen=True)
class Failure:
    """An exception: one line for people, and the traceback for whoever looks into it.

    ``out_of_memory`` says that fewer trials at once might do: memory ran out, or something killed the worker, as the
    kernel does when memory runs out.
    """

    reason: str
    traceback: str = ""
    out_of_memory: bool = False

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The exception that is being handled."""
        message = (str(error).strip().splitlines() or ["(no message)"])[0]
        reason = one_line(f"{type(error).__name__}: {message}"[:LONGEST_REASON])
        return cls(reason, printable(traceback.format_exc()), _is_out_of_memory(error))


def _is_out_of_memory(error: Exception) -> bool:
    """Whether an exception says that memory ran out: only on accelerators has PyTorch a type of its own for that."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


@dataclass(frozen=True)
class Filled:
    """The networks of alike trials, filled by their schemes.

    ``sites`` are those to measure at, marked time steps among them; ``seconds`` is what each fill took; ``failures``
    holds what a scheme raised that could not fill its network, by replica.
    """

    networks: tuple[nn.Module, ...]
    sites: tuple[Site, ...]
    seconds: tuple[float, ...]
    failures: Mapping[int, Failure]


def initialised(trials: Sequence[Trial], material: Material) -> Filled:
    """Build and fill the network of each trial, on the CPU in float32, so that draws are the same on every device.

    A scheme that raises fails its own trial: the network keeps what it was built with, and the rest of the stack is
    none the worse. Memory that runs out is the whole stack's business, and raised.
    """
    networks = [build(trial, material) for trial in trials]
    sites = survey(networks[0], material.probe.x[:2])
    seconds, failures = [], {}
    for replica, (trial, network) in enumerate(zip(trials, networks, strict=True)):
        started = time.perf_counter()
        try:
            trial.init.fill(network, FillContext(seed=trial.seed, sites=sites, batch=material.probe.x))
        except Exception as error:
            failures[replica] = Failure.of(error)
            if failures[replica].out_of_memory:  # the scheme's neighbors take the memory
                raise
        seed_dropout(network, trial.seed)
        seconds.append(time.perf_counter() - started)
    return Filled(tuple(networks), with_time_steps(networks[0], sites), tuple(seconds), failures)


def build(trial: Trial, material: Material) -> nn.Module:
    """The trial's network before its scheme fills it.

    Layers of PyTorch draw their weights from the global generator when they are made. Those draws are overwritten, but
    a module may hold others; so it is made in a fork of that generator, seeded from the trial.
    """
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(derived_seed(trial.seed, "construction"))
        return trial.network.build(material.spec.input_shape, material.spec.outputs, trial.activation)
