"""Stacks on the processes of this machine.

Worker processes are spawned, not forked: a fork copies the locks of a threaded torch. They read the datasets from
shared memory. With one worker the stacks run in this process, which saves its start; the arithmetic is the same.
"""

from __future__ import annotations

import queue as queues
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Any, Protocol

import torch
import torch.multiprocessing

from initbench.execute import worker
from initbench.execute.events import Progressed
from initbench.execute.worker import Failure
from initbench.plan import StackPlan
from initbench.records import Records
from initbench.train.material import Material

Outcome = tuple[StackPlan, Records | Failure]
POLL_SECONDS = 0.1


class Executor(Protocol):
    """Where stacks run. The records do not depend on it."""

    def run(self, stacks: Sequence[StackPlan], materials: Mapping[str, Material]) -> Iterator[Outcome | Progressed]:
        """Each stack's outcome as it comes, and progress in between."""


@dataclass(frozen=True)
class InProcess:
    """One stack after another, here."""

    device: str
    threads: int

    def run(self, stacks: Sequence[StackPlan], materials: Mapping[str, Material]) -> Iterator[Outcome | Progressed]:
        """Each stack's outcome, after its progress."""
        for stack in stacks:
            heard: list[Progressed] = []
            with _process_settings(self.threads):
                outcome = worker.Worker(materials, self.device, heard.append).run(stack)
            yield from heard[-1:]
            yield stack, outcome


@dataclass(frozen=True)
class Pool:
    """Spawned worker processes."""

    device: str
    threads: int
    workers: int

    def run(self, stacks: Sequence[StackPlan], materials: Mapping[str, Material]) -> Iterator[Outcome | Progressed]:
        """Stacks in their order, each on the next free worker.

        A worker that is killed takes its pool down; a new one is started, and the stacks that were in flight get one
        more try, alone, so that the stack at fault is the one that is called failed.
        """
        context = torch.multiprocessing.get_context("spawn")
        shared = {label: material.shared() for label, material in materials.items()}
        suspects: list[StackPlan] = []
        waiting = list(stacks)
        while waiting:
            broken = yield from self._round(waiting, self.workers, context, shared)
            suspects += broken
            done = {stack.id for stack in broken}
            waiting = [stack for stack in waiting if stack.id not in done]
            waiting = waiting if broken else []
        for stack in suspects:
            if (yield from self._round([stack], 1, context, shared)):
                yield stack, Failure("the worker process died (killed, or out of memory)", "")
