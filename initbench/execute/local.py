"""Stacks on this machine: spawned worker processes, or a thread of this one where there is nothing to share out.

Processes are spawned, not forked (a fork copies the locks of a threaded torch), and read the datasets from shared
memory. The arithmetic of a stack is the same in either place and for any number of workers.
"""

from __future__ import annotations

import queue as queues
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from threading import Event
from typing import Any

import torch
import torch.multiprocessing

from initbench.events import Progressed
from initbench.execute._base import Outcome
from initbench.execute.resources import check_shared_memory
from initbench.execute.worker import Job, Process, Stopped, prepare, run
from initbench.plan import StackPlan
from initbench.records import Records
from initbench.train.initialise import Failure
from initbench.train.material import Material

POLL_SECONDS = 0.1
DIED = Failure("the worker process died (killed, or out of memory)")


@dataclass(frozen=True)
class Local:
    """Workers on this machine, each with its number of threads."""

    device: str
    workers: int
    threads: int

    def run(self, stacks: Iterable[StackPlan], materials: Mapping[str, Material]) -> Iterator[Outcome | Progressed]:
        """Each stack's outcome as it comes, and progress in between.

        A worker that is killed takes its pool down. Another is started, and the stacks that were in flight get one
        more try, each alone, so that the stack at fault is the one that is called failed.
        """
        if self.workers <= 1:
            yield from self._in_thread(stacks, materials)
            return
        check_shared_memory(sum(material.bytes for material in materials.values()))
        shared = {label: material.shared() for label, material in materials.items()}
        waiting, suspects = iter(stacks), list[StackPlan]()
        while in_flight := (yield from self._in_processes(waiting, shared, self.workers)):
            suspects += in_flight
        for stack in suspects:
            if (yield from self._in_processes(iter([stack]), shared, workers=1)):
                yield stack, DIED

    def _in_thread(
        self, stacks: Iterable[StackPlan], materials: Mapping[str, Material]
    ) -> Iterator[Outcome | Progressed]:
        inbox: queues.SimpleQueue[Progressed] = queues.SimpleQueue()
        stop, threads = Event(), torch.get_num_threads()

        def tell(progress: Progressed) -> None:
            if stop.is_set():
                raise Stopped
            inbox.put(progress)

        with ThreadPoolExecutor(1, initializer=prepare, initargs=(self.threads,)) as pool:
            try:
                yield from _Flight(pool, partial(run, tell=tell), inbox, width=1).fly(self._jobs(stacks, materials))
            finally:
                stop.set()  # a stack that is left in the middle ends at its next row
                pool.shutdown(cancel_futures=True)
                torch.set_num_threads(threads)

    def _in_processes(
        self, stacks: Iterator[StackPlan], materials: Mapping[str, Material], workers: int
    ) -> Generator[Outcome | Progressed, None, list[StackPlan]]:
        """Work stacks off until there are none, or until a worker dies: what was in flight then is returned."""
        context = torch.multiprocessing.get_context("spawn")
        inbox = context.Queue()
        pool = ProcessPoolExecutor(
            workers, mp_context=context, initializer=Process.start, initargs=(self.threads, inbox)
        )
        try:
            in_flight = yield from _Flight(pool, Process.work, inbox, workers).fly(self._jobs(stacks, materials))
        except BaseException:  # Ctrl-C, or a caller that has heard enough: do not wait for stacks to end
            for process in list(pool._processes.values()):
                process.terminate()
            pool.shutdown(cancel_futures=True)
            raise
        pool.shutdown()
        return in_flight

    def _jobs(self, stacks: Iterable[StackPlan], materials: Mapping[str, Material]) -> Iterator[Job]:
        return (Job(stack, materials[stack.trials[0].dataset.label], self.device) for stack in stacks)


@dataclass(frozen=True)
class _Flight:
    """Jobs on a pool, no more at once than it has workers, so that one knows what a broken pool was working on."""

    pool: Executor
    call: Callable[[Job], Records | Failure]
    inbox: Any
    width: int

    def fly(self, jobs: Iterator[Job]) -> Generator[Outcome | Progressed, None, list[StackPlan]]:
        """Outcomes and progress as they come; what is returned was in flight when the pool broke."""
        flying: dict[Future[Records | Failure], StackPlan] = {}
        try:
            while True:
                for job in islice(jobs, self.width - len(flying)):
                    flying[self._submitted(job)] = job.stack
                if not flying:
                    return []
                done, _ = wait(flying, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
                yield from self._heard()
                for future in done:
                    outcome = future.result()
                    yield flying.pop(future), outcome
        except BrokenProcessPool:
            return list(flying.values())

    def _submitted(self, job: Job) -> Future[Records | Failure]:
        """The job on its way. A pool that is already broken breaks the future, so that no job is lost."""
        try:
            with _interrupts_held():
                return self.pool.submit(self.call, job)
        except BrokenProcessPool as error:
            broken: Future[Records | Failure] = Future()
            broken.set_exception(error)
            return broken

    def _heard(self) -> Iterator[Progressed]:
        try:
            while True:
                yield self.inbox.get(block=False)
        except queues.Empty:
            return


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back: a process started meanwhile never sees it, not even while importing; this one does after."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
