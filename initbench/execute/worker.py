"""What happens inside a worker: one stack at a time, from its trials to its records."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from initbench.events import Progressed
from initbench.plan import StackPlan
from initbench.records import Records
from initbench.train.initialise import Failure
from initbench.train.loop import train
from initbench.train.material import Material

PROGRESS_SECONDS = 0.1  # no more than ten words a second from each worker


@dataclass(frozen=True)
class Job:
    """A stack and what it trains on."""

    stack: StackPlan
    material: Material
    device: str


class Stopped(Exception):  # noqa: N818 - no error: the driver asked for it
    """Training was stopped from outside."""


def run(job: Job, tell: Callable[[Progressed], None]) -> Records | Failure:
    """The records of a stack, or what went wrong in it: nothing that a network raises ends the run.

    Memory that runs out may only be waiting for the garbage collector, since traced networks refer to themselves: the
    stack gets one more try after that.
    """
    outcome = _trained(job, tell)
    if isinstance(outcome, Failure) and outcome.out_of_memory:
        gc.collect()
        if job.device == "cuda":
            torch.cuda.empty_cache()
        outcome = _trained(job, tell)
    return outcome


def _trained(job: Job, tell: Callable[[Progressed], None]) -> Records | Failure:
    last = 0.0

    def listen(step: int, steps: int, losses: dict[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= PROGRESS_SECONDS or step == steps:
            last = now
            tell(Progressed(job.stack.id, step, steps, losses))

    try:
        return train(job.stack.trials, job.material, torch.device(job.device), listen)
    except Stopped:
        raise
    except Exception as error:  # noqa: BLE001 - a failure is a record
        return Failure.of(error)


def prepare(threads: int) -> None:
    """Settings of this thread that training stands on.

    Vanishing signals reach subnormal numbers, which slow matrix products severalfold. The flag is the thread's own and
    inherited by the threads that it starts, so it comes before the first parallel kernel.
    """
    torch.set_flush_denormal(True)
    torch.set_num_threads(threads)
