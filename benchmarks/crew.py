"""Two worker processes of one thread each, set up as the product sets up its own, and kept between timings.

A timing gives every worker its share of the stacks, has them build their networks, and lets them go together through a
barrier; the slower one's time counts. Starting the processes is no part of a timing: the whole command pays for it, and
is timed by itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from threading import Barrier
from types import TracebackType
from typing import ClassVar, Self

import torch
import torch.multiprocessing

from benchmarks.by_hand import Losses, batch_order
from benchmarks.cases import BATCH, Case
from benchmarks.limit import Limit
from initbench.execute.worker import Job, prepare, run
from initbench.plan import StackPlan
from initbench.records import Records

WORKERS = 2
THREADS = 1

Timed = tuple[float, Losses]
Work = Callable[[Case, StackPlan], Callable[[], Timed]]
"""Prepares the training of a stack, and returns the training itself."""


class FailedStackError(Exception):
    """The product could not train what was to be timed."""


class Crew:
    """The workers, for the length of a ``with`` block."""

    def __enter__(self) -> Self:
        context = torch.multiprocessing.get_context("spawn")
        start = (context.Barrier(WORKERS),)
        self._pool = ProcessPoolExecutor(WORKERS, mp_context=context, initializer=_Worker.start, initargs=start)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def initbench(self, case: Case, *, probed: bool = False, rows_every: int = 10) -> Timed:
        """The product: its training loop on its stacks; the losses are the rows of the learning curves."""
        return self._time(_training, case, case.stacks(probed=probed, rows_every=rows_every))

    def limit(self, case: Case) -> Timed:
        """The products and optimizer kernels of the same stacks; they have no losses."""
        return self._time(_products, case, case.stacks())

    def limit_with_losses(self, case: Case) -> Timed:
        """Whole updates around the limit's products, to show that they are the right ones."""
        return self._time(_steps, case, case.stacks())

    def _time(self, work: Work, case: Case, stacks: Sequence[StackPlan]) -> Timed:
        shares = [stacks[worker::WORKERS] for worker in range(WORKERS)]
        results = [future.result() for future in [self._pool.submit(_Worker.do, work, case, s) for s in shares]]
        losses = {stack: own for result in results for stack, (_, own) in result.items()}
        seconds = max(sum(own for own, _ in result.values()) for result in results)
        return seconds, [row for stack in stacks for row in losses[stack.id]]


class _Worker:
    """What a worker process keeps: the barrier at which all workers start."""

    barrier: ClassVar[Barrier]

    @classmethod
    def start(cls, barrier: Barrier) -> None:
        """Set the process up as the product does, and keep the barrier."""
        prepare(THREADS)
        cls.barrier = barrier

    @classmethod
    def do(cls, work: Work, case: Case, share: Sequence[StackPlan]) -> dict[str, Timed]:
        """Prepare a share, wait for the others, and train it stack by stack."""
        prepared = {stack.id: work(case, stack) for stack in share}
        cls.barrier.wait(timeout=120)
        return {stack: train() for stack, train in prepared.items()}


def _training(case: Case, stack: StackPlan) -> Callable[[], Timed]:
    job = Job(stack, case.material, "cpu")

    def train() -> Timed:
        records = run(job, tell=lambda _progress: None)
        if not isinstance(records, Records):
            raise FailedStackError(records.reason)
        curves = {trial: rows["train_loss"].dropna().tolist() for trial, rows in records.curves.groupby("id")}
        return float(records.outcomes["seconds"].sum()), [curves[trial.id] for trial in stack.trials]

    return train


def _products(case: Case, stack: StackPlan) -> Callable[[], Timed]:
    limit, batches = _limit(case, stack)
    limit.step(*batches[0])

    def train() -> Timed:
        started = time.perf_counter()
        for _ in range(case.updates):
            limit.products()
        return time.perf_counter() - started, [[] for _ in stack.trials]

    return train


def _steps(case: Case, stack: StackPlan) -> Callable[[], Timed]:
    limit, batches = _limit(case, stack)

    def train() -> Timed:
        started = time.perf_counter()
        losses = torch.stack([limit.step(x, y) for x, y in batches], dim=1)
        return time.perf_counter() - started, losses.tolist()

    return train


def _limit(case: Case, stack: StackPlan) -> tuple[Limit, list[tuple[torch.Tensor, torch.Tensor]]]:
    """The limit's networks, and the batches of an epoch: x [R, N, …] and y [R, N] each."""
    train = case.material.train
    orders = torch.stack([batch_order(trial, len(train.x)) for trial in stack.trials])
    networks = case.networks(stack.trials)
    return Limit(networks, train.x[:2]), [(train.x[batch], train.y[batch]) for batch in orders.split(BATCH, dim=1)]
