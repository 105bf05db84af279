"""Stacks on this machine: worker processes, or a thread of this one where there is nothing to share out.

The arithmetic of a stack is the same in either place and for any number of workers.
"""

from __future__ import annotations

import queue as queues
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

import torch

from initbench.events import Progressed
from initbench.execute._base import Said
from initbench.execute.crew import DIED, Crew, Setup, WorkersError
from initbench.execute.resources import check_shared_memory
from initbench.execute.worker import Job, Stopped, prepare, run
from initbench.plan import StackPlan
from initbench.train.material import Material

__all__ = ["DIED", "Local", "WorkersError"]


@dataclass(frozen=True)
class Local:
    """Workers on this machine, each with its number of threads."""

    device: str
    workers: int
    threads: int

    def run(self, stacks: Iterable[StackPlan], materials: Mapping[str, Material]) -> Said:
        """Each stack's outcome as it comes, and progress in between; a stack whose worker dies has one more try.

        Raises
        ------
        InitbenchError
            Shared memory cannot hold the data, or worker processes end before they can begin.
        """
        if self.workers <= 1:
            return self._in_thread(stacks, materials)
        check_shared_memory(sum(material.bytes for material in materials.values()))
        shared = {label: material.shared() for label, material in materials.items()}
        return Crew(self.workers, Setup(shared, self.device, self.threads)).run(iter(stacks))

    def _in_thread(self, stacks: Iterable[StackPlan], materials: Mapping[str, Material]) -> Said:
        inbox: queues.SimpleQueue[Progressed | None] = queues.SimpleQueue()
        stop, threads = Event(), torch.get_num_threads()

        def tell(progress: Progressed) -> None:
            if stop.is_set():
                raise Stopped
            inbox.put(progress)

        with ThreadPoolExecutor(1, initializer=prepare, initargs=(self.threads,)) as pool:
            try:
                for stack in stacks:
                    job = Job(stack, materials[stack.trials[0].dataset.label], self.device)
                    training = pool.submit(run, job, tell)
                    training.add_done_callback(lambda _: inbox.put(None))
                    while (progress := inbox.get()) is not None:
                        yield progress
                    yield stack, training.result()
            finally:
                stop.set()  # a stack that is left in the middle ends at its next row
                pool.shutdown(cancel_futures=True)
                torch.set_num_threads(threads)
