"""A scheme that makes trouble on demand, for tests of what happens around it. Importable by spawned workers."""

import inspect
import multiprocessing
import os
import signal
import struct
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import nn

from initbench.inits import FillContext, Init


class Trouble(Init):
    """Zero weights, unless ``how`` has its way: under the activation ``only``, while no file ``until`` exists.

    ``seed`` narrows it to one trial of each setting. What dies is a worker process, or any process but ``spare``.
    """

    formula: ClassVar[str] = "W = 0"
    suits: ClassVar[str] = "tests"

    how: Literal["raises", "dies", "dies_speaking", "needs_flushing"] = "raises"
    only: str = ""
    until: str = ""
    seed: int = -1
    spare: int = 0

    def fill(self, network: nn.Module, context: FillContext) -> None:
        for p in network.parameters():
            nn.init.zeros_(p)
        after = context.sites[0].after
        if self.only and (after is None or after.component_name() != self.only):
            return
        if self.seed not in (-1, context.seed):
            return
        if self.until and Path(self.until).exists():
            return
        if self.how == "needs_flushing":
            if torch.tensor([1e-40]).mul(1.0).item() != 0:
                raise RuntimeError("subnormal numbers are not flushed here")
        elif self.how == "raises":
            raise RuntimeError("no weights today\nsecond line")
        elif multiprocessing.parent_process() is not None or self.spare not in (0, os.getpid()):
            if self.how == "dies_speaking":
                Path(self.until).touch()
                _begin_to_speak()
            os.kill(os.getpid(), signal.SIGKILL)


def _begin_to_speak() -> None:
    """Write the first bytes of a long message into the pipe to the driver: its length, and not much else."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_code.co_name != "serve":
        frame = frame.f_back
    assert frame is not None
    os.write(frame.f_locals["pipe"].fileno(), struct.pack("!i", 10**6) + b"half a word")
