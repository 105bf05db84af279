"""What a run may use of this machine: a device, processes, threads, memory."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from initbench import costs
from initbench.config.problems import Place, fail
from initbench.cores import available_cores
from initbench.datasets import Spec
from initbench.errors import InitbenchError
from initbench.plan import Trial

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps it; other systems have no such folder
STACK_BYTES = {"cpu": 256 * 2**20, "cuda": 8 * 2**30, "mps": 2 * 2**30}
STACK_TRIALS = {"cpu": 8, "cuda": 64, "mps": 32}


@dataclass(frozen=True)
class Resources:
    """Workers and threads as asked for; ``workers`` None means one for each core, or one for an accelerator.

    ``executor`` says whose machines train: this one, or those of the Ray cluster at ``address`` (None: RAY_ADDRESS, or
    the cluster that this machine is part of). A stack there takes ``threads`` CPUs and, on CUDA, ``gpus`` of a GPU; and
    ``workers`` None means as many as the cluster has room for.
    """

    workers: int | None = None
    threads: int = 1
    fail_fast: bool = False
    executor: Literal["local", "ray"] = "local"
    address: str | None = None
    gpus: float | None = None

    def __post_init__(self) -> None:
        """Refuse what belongs to a cluster where there is none. Raises InitbenchError."""
        for option, value in {"--address": self.address, "--gpus": self.gpus}.items():
            if self.executor == "local" and value is not None:
                raise InitbenchError(f"{option} {value} is for a cluster; add --executor ray")
        if self.gpus is not None and not (self.gpus > 0 and (self.gpus <= 1 or self.gpus.is_integer())):
            raise InitbenchError(f"--gpus: found {self.gpus:g}, expected a share such as 0.25, or a whole number")

    @property
    def is_elsewhere(self) -> bool:
        """Whether other machines train, whose devices this one need not have."""
        return self.executor != "local"

    def worker_count(self, device: str) -> int:
        """How many processes train at once on a device."""
        if self.workers is not None:
            return self.workers
        return max(1, available_cores() // self.threads) if device == "cpu" else 1


def check_shared_memory(needed: int) -> None:
    """Refuse data that the shared memory of this machine cannot hold: writing past its end would kill the process.

    Raises
    ------
    InitbenchError
        There is less room than ``needed`` bytes; the message says what to do.
    """
    if SHARED_MEMORY.is_dir() and (free := shutil.disk_usage(SHARED_MEMORY).free) < needed:
        raise InitbenchError(
            f"the data takes {needed / 2**20:.0f} MB of shared memory, and {SHARED_MEMORY} has {free / 2**20:.0f} MB: "
            "enlarge it (docker run --shm-size), or train in one process with --workers 1"
        )


def resolve_device(name: str, *, elsewhere: bool = False) -> str:
    """``auto`` as a CUDA device where there is one, else the CPU; any other name as it is.

    Apple's ``mps`` has to be asked for: networks as small as most of these are not known to train faster there.

    Raises
    ------
    ConfigError
        This machine has no such device, and training is not to happen ``elsewhere``.
    """
    here = [device for device, found in _accelerators().items() if found] + ["cpu"]
    if name == "auto":
        return "cuda" if "cuda" in here else "cpu"
    if name not in here and not elsewhere:
        raise fail(Place(0, "device"), f"found {name}, which this machine lacks; expected auto or {' or '.join(here)}")
    return name


def _accelerators() -> dict[str, bool]:
    return {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}


def stack_limit(trial: Trial, specs: Mapping[str, Spec], device: str) -> int:
    """How many trials like this one may ride in one stack: a fixed number, or fewer where memory bounds it.

    It depends on the trial and the kind of device alone, so that the same plan is cut the same way on every machine.
    """
    return max(1, min(STACK_TRIALS[device], STACK_BYTES[device] // trial_bytes(trial, specs[trial.dataset.label])))


def trial_bytes(trial: Trial, spec: Spec) -> int:
    """An estimate of what training one trial holds: parameters with their companions, and the signals of a batch."""
    size = trial.network.size(spec.input_shape, spec.outputs, trial.activation)
    return costs.training_bytes(size, trial.recipe.batch_size, trial.recipe.torch_dtype.itemsize)
