"""Worker processes, each with a pipe of its own.

Whatever happens to a worker, and at whatever moment, the driver sees the end of that one pipe: no lock and no queue is
shared that a killed process could leave locked or half written. So the driver knows which stack a dead worker was at,
and nobody else's is touched.

A worker watches the driver in turn, and ends when it is gone: a driver that is killed tells nobody.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.connection import Connection
from typing import Any, Literal

import torch.multiprocessing  # noqa: F401 - teaches multiprocessing to hand tensors over without a copy

from initbench.errors import InitbenchError
from initbench.events import Progressed
from initbench.execute._base import Said
from initbench.execute.worker import Job, prepare, run
from initbench.plan import StackPlan
from initbench.processes import started
from initbench.records import Records
from initbench.train.initialise import Failure
from initbench.train.material import Material

RETRY_SECONDS = 0.2  # before another process is tried, where none could be started
TRIES = 2  # of a stack, since whatever kills a worker may have nothing to do with what it was at
DIED = Failure("the worker process died (killed, or out of memory)", out_of_memory=True)

READY: Literal["ready"] = "ready"
Word = Literal["ready"] | Progressed | Records | Failure
"""What a worker says: that it is ready, once, and then of each stack how it gets on and what came of it."""


class WorkersError(InitbenchError):
    """Worker processes end before they can begin."""


@dataclass(frozen=True)
class Setup:
    """What every worker is given when it starts: the data lie in shared memory."""

    materials: Mapping[str, Material]
    device: str
    threads: int

    @property
    def tensors(self) -> int:
        """How many tensors in shared memory a worker is given."""
        return sum(len(material.tensors) for material in self.materials.values())


@dataclass(eq=False)
class Worker:
    """A worker process as the driver sees it, and the stack that it is at."""

    pipe: Connection[Any, Any]
    process: Any
    stack: StackPlan
    ready: bool = False

    @classmethod
    def hired(cls, setup: Setup, stack: StackPlan) -> Worker:
        """A new process, which is handed its stack as soon as it is ready."""
        ours, theirs = multiprocessing.Pipe()
        process = started(serve, (theirs, setup), handles=setup.tensors + 1)
        theirs.close()  # or else its end would never be seen
        return cls(ours, process, stack)

    def heard(self) -> Word | None:
        """The next word, waited for; None if the process is dead."""
        try:
            word: Word = self.pipe.recv()
            if word == READY:
                self.ready = True
                self.pipe.send(self.stack)
        except (EOFError, OSError):
            return None
        return word

    def given(self, stack: StackPlan) -> None:
        """Hand over another stack; a process that is dead will be found so when it is listened to."""
        self.stack = stack
        with suppress(OSError):
            self.pipe.send(stack)

    def dismissed(self) -> None:
        """Let the process end by itself."""
        with suppress(OSError):
            self.pipe.send(None)
        self._left()

    def ended(self) -> None:
        """End the process now."""
        self.process.kill()
        self._left()

    def _left(self) -> None:
        self.process.join()
        self.pipe.close()


@dataclass(frozen=True)
class Crew:
    """At most ``size`` workers, hired as there is work."""

    size: int
    setup: Setup
    _workers: list[Worker] = field(default_factory=list)
    _again: list[StackPlan] = field(default_factory=list)  # whose worker died
    _deaths: dict[str, int] = field(default_factory=dict)  # by the id of the stack; of those not settled

    def run(self, stacks: Iterator[StackPlan]) -> Said:
        """The outcome of each stack, and progress. A stack whose worker dies has one more try, then it is ``DIED``.

        Every death settles a stack or takes a try from it, and those of workers that never began are few: so there is
        an end to it, whatever is killed.

        Raises
        ------
        WorkersError
            More than twice as many workers as there should be ended, one after another, before they could begin.
        """
        unborn = 0
        try:
            while True:
                refusal = self._hire(stacks)
                unborn += refusal is not None
                if not self._workers and not self._again:
                    return
                for worker in self._speaking():
                    word = worker.heard()
                    if word is None:
                        unborn = 0 if worker.ready else unborn + 1
                        yield from self._buried(worker)
                    elif isinstance(word, Progressed):
                        yield word
                    elif word == READY:
                        unborn = 0
                    else:
                        settled = worker.stack
                        self._go_on(worker, stacks)
                        yield settled, word
                if unborn > 2 * self.size:
                    raise WorkersError(
                        f"worker processes end before they can begin{f' ({refusal})' if refusal else ''}: is memory "
                        'short? In a script, call this under `if __name__ == "__main__":`. One worker (--workers 1) '
                        "needs no process of its own"
                    )
                if not self._workers:
                    time.sleep(RETRY_SECONDS)
        finally:  # at the end there are none; else Ctrl-C, or a caller that has heard enough: nothing is waited for
            for worker in self._workers:
                worker.ended()

    def _hire(self, stacks: Iterator[StackPlan]) -> OSError | EOFError | None:
        """Fill the crew up while there is work; return what kept a process from starting."""
        while len(self._workers) < self.size and (stack := self._next(stacks)) is not None:
            try:
                self._workers.append(Worker.hired(self.setup, stack))
            # Too many processes, no memory for another, or it was killed while it was handed its setup.
            except (EOFError, OSError) as error:
                self._again.append(stack)
                return error
        return None

    def _speaking(self) -> list[Worker]:
        ready = connection.wait([worker.pipe for worker in self._workers]) if self._workers else []
        return [worker for worker in self._workers if worker.pipe in ready]

    def _next(self, stacks: Iterator[StackPlan]) -> StackPlan | None:
        return self._again.pop() if self._again else next(stacks, None)

    def _go_on(self, worker: Worker, stacks: Iterator[StackPlan]) -> None:
        """Forget the stack that is settled; give its worker another, or let it go."""
        self._deaths.pop(worker.stack.id, None)
        stack = self._next(stacks)
        if stack is not None:
            worker.given(stack)
        else:
            self._workers.remove(worker)
            worker.dismissed()

    def _buried(self, worker: Worker) -> Iterator[tuple[StackPlan, Failure]]:
        """See to the stack of a dead worker: it was none of its doing if it was not yet handed over."""
        self._workers.remove(worker)
        worker.ended()
        stack = worker.stack
        deaths = self._deaths.get(stack.id, 0) + worker.ready
        if deaths == TRIES:
            self._deaths.pop(stack.id)
            yield stack, DIED
        else:
            self._deaths[stack.id] = deaths
            self._again.append(stack)


def serve(pipe: Connection[Any, Any], setup: Setup) -> None:
    """What a worker process does: train one stack after another, until told to end. Ctrl-C is the driver's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_driver, daemon=True).start()
    prepare(setup.threads)
    gc.freeze()  # what was imported is no garbage, and need not be looked at for it
    try:
        pipe.send(READY)
        while True:
            try:
                stack: StackPlan | None = pipe.recv()
            except (AttributeError, ImportError) as error:  # of what only the driver's main module knows
                pipe.send(Failure.of(error))
                continue
            if stack is None:
                return
            pipe.send(run(Job(stack, setup.materials[stack.trials[0].dataset.label], setup.device), pipe.send))
            gc.collect()  # traced networks refer to themselves, and would stay beside the next ones
    except (EOFError, OSError):  # the driver has hung up
        return


def _end_with_the_driver() -> None:
    if (driver := multiprocessing.parent_process()) is not None:
        connection.wait([driver.sentinel])
        os._exit(1)
