"""Stacks as tasks of a Ray cluster.

Each dataset goes into the object store once, and nodes read it from shared memory, as worker processes of one machine
do. A task asks for one CPU for each of its threads and, on CUDA, for a share of a GPU. Ray runs it again where its node
or its process is lost: a stack's arithmetic is the same wherever it runs, so the records are too. Only this process
knows of the results folder.

No more tasks are submitted than keep the cluster busy, so that a plan may be larger than memory. While they run, an
actor beside the driver holds the last word of each.
"""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import islice
from typing import Any

import ray
import torch
from numpy.typing import NDArray
from ray.exceptions import OutOfMemoryError, RayError, RayTaskError, WorkerCrashedError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from initbench.datasets import Spec, Split
from initbench.events import Progressed
from initbench.execute._base import Said
from initbench.execute.ray_session import ClusterError, Told, connect, first_line
from initbench.execute.resources import Resources
from initbench.execute.worker import Job, prepare, run
from initbench.plan import StackPlan
from initbench.records import Records
from initbench.train.initialise import Failure
from initbench.train.material import Material

RETRIES = 3  # of a task whose node or process is lost
AHEAD = 2  # tasks submitted for each that can run, so that no node waits for the driver
POLL_SECONDS = 0.1
COUNT_SECONDS = 5.0  # between two looks at how large the cluster is: it may grow or shrink
WORDS_A_SECOND = 500  # that the driver's actor takes with ease, from all tasks together


@dataclass(frozen=True)
class Needs:
    """What one stack takes of its node."""

    device: str
    threads: int
    gpus: float

    def room(self) -> int:
        """How many stacks the cluster's nodes can train at once."""
        return sum(self._room_of(node["Resources"]) for node in ray.nodes() if node["Alive"])

    def _room_of(self, node: Mapping[str, float]) -> int:
        by_threads = int(node.get("CPU", 0.0) / self.threads)
        if not self.gpus:
            return by_threads
        return min(by_threads, int(node.get("GPU", 0.0) / self.gpus + 1e-9))  # shares are not exact numbers

    def __str__(self) -> str:
        words = f"{self.threads} CPU" + ("s" if self.threads > 1 else "")
        return f"{words} and {self.gpus:g} GPU" if self.gpus else words


@dataclass(frozen=True)
class Cluster:
    """Stacks on the Ray cluster that this process is connected to, at most ``limit`` of them at once."""

    address: str
    needs: Needs
    workers: int
    limit: int | None
    is_ours: bool
    """Whether the connection is made for the run, and ends with it."""

    @classmethod
    def reached(cls, resources: Resources, device: str) -> Cluster:
        """The cluster at an address; a connection that the caller has made already is used as it is.

        Raises
        ------
        ClusterError
            There is no cluster, or no node of it has what a stack needs.
        """
        is_ours = not ray.is_initialized()
        address = resources.address or "auto"
        needs = Needs(device, resources.threads, (resources.gpus or 1.0) if device == "cuda" else 0.0)
        if is_ours:
            connect(address)
        if (room := needs.room()) == 0:
            if is_ours:
                ray.shutdown()
            raise ClusterError(f"no node of the Ray cluster has {needs}, which every stack takes (--threads, --gpus)")
        return cls(address, needs, min(room, resources.workers or room), resources.workers, is_ours)

    def run(self, stacks: Iterable[StackPlan], materials: Mapping[str, Material]) -> Said:
        """Each stack's outcome as it comes, and progress in between.

        Raises
        ------
        ClusterError
            The cluster has no room for the data.
        """
        if self.is_ours and not ray.is_initialized():
            connect(self.address)
        with redirect_stdout(Told()):  # of lost nodes, by a thread of Ray's
            flight = _Flight.begun(self, materials)
            try:
                yield from flight.fly(iter(stacks))
            finally:
                flight.end()
                if self.is_ours:
                    ray.shutdown()

    def width(self) -> int:
        """How many tasks to have submitted by now."""
        return self.limit or max(1, AHEAD * self.needs.room())


@dataclass
class _Flight:
    """Tasks on a cluster, and what they say."""

    cluster: Cluster
    data: Mapping[str, ray.ObjectRef[_Stored]]
    inbox: Any
    flying: dict[ray.ObjectRef[Records | Failure], StackPlan]

    @classmethod
    def begun(cls, cluster: Cluster, materials: Mapping[str, Material]) -> _Flight:
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        try:
            data = {label: ray.put(_Stored.of(material)) for label, material in materials.items()}
        except RayError as error:
            raise ClusterError(f"the cluster's object store has no room for the data ({first_line(error)})") from error
        inbox: Any = ray.remote(_Inbox)  # Ray's types know of no options of actors
        return cls(cluster, data, inbox.options(num_cpus=0, scheduling_strategy=here).remote(), {})

    def fly(self, waiting: Iterator[StackPlan]) -> Said:
        width, counted = self.cluster.width(), time.monotonic()
        while True:
            for stack in islice(waiting, max(0, width - len(self.flying))):
                self.flying[self._submitted(stack, width)] = stack
            if not self.flying:
                return
            landed, _ = ray.wait(list(self.flying), timeout=POLL_SECONDS)
            if landed:  # and whatever else has landed by now
                landed, _ = ray.wait(list(self.flying), num_returns=len(self.flying), timeout=0)
            yield from self._heard()
            for task in landed:
                outcome = _outcome(task)
                yield self.flying.pop(task), outcome
            if time.monotonic() - counted > COUNT_SECONDS:
                width, counted = self.cluster.width(), time.monotonic()

    def end(self) -> None:
        """Stop what is in flight: a task is ended, not waited for."""
        for task in self.flying:
            ray.cancel(task, force=True)
        ray.kill(self.inbox)

    def _submitted(self, stack: StackPlan, width: int) -> ray.ObjectRef[Records | Failure]:
        needs = self.cluster.needs
        data = self.data[stack.trials[0].dataset.label]
        task = _trained.options(
            name=f"stack {stack.id}", num_cpus=needs.threads, num_gpus=needs.gpus, max_retries=RETRIES
        )
        return task.remote(stack, data, needs, _Speech(self.inbox, width / WORDS_A_SECOND))

    def _heard(self) -> Iterator[Progressed]:
        """The last words of stacks in flight; of those that have landed nobody wants to hear any."""
        try:
            words: list[Progressed] = ray.get(self.inbox.taken.remote(), timeout=1.0)
        except RayError:  # progress is a courtesy
            return
        known = {stack.id for stack in self.flying.values()}
        yield from (word for word in words if word.stack in known)


@dataclass(frozen=True)
class _Stored:
    """A material as arrays, which Ray hands to every process of a node without a copy."""

    spec: Spec
    arrays: tuple[tuple[NDArray[Any], NDArray[Any]], ...]

    @classmethod
    def of(cls, material: Material) -> _Stored:
        splits = (material.train, material.test, material.probe)
        return cls(material.spec, tuple((split.x.numpy(), split.y.numpy()) for split in splits))

    def material(self) -> Material:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the arrays cannot be written to, and nobody does
            train, test, probe = (Split(torch.from_numpy(x), torch.from_numpy(y)) for x, y in self.arrays)
        return Material(self.spec, train, test, probe)


@dataclass(frozen=True)
class _Speech:
    """The way from a task to the driver, at most a word every ``pause`` seconds."""

    inbox: Any
    pause: float

    def words(self) -> Callable[[Progressed], None]:
        last = -math.inf

        def tell(progress: Progressed) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= self.pause:
                last = now
                self.inbox.tell.remote(progress)

        return tell


class _Inbox:
    """The last word of each stack since somebody listened."""

    def __init__(self) -> None:
        self._last: dict[str, Progressed] = {}

    def tell(self, progress: Progressed) -> None:
        self._last[progress.stack] = progress

    def taken(self) -> list[Progressed]:
        words, self._last = list(self._last.values()), {}
        return words


@ray.remote
def _trained(stack: StackPlan, data: _Stored, needs: Needs, speech: _Speech) -> Records | Failure:
    prepare(needs.threads)
    return run(Job(stack, data.material(), needs.device), speech.words())


def _outcome(task: ray.ObjectRef[Records | Failure]) -> Records | Failure:
    """What a task that has ended returned, or why it is lost for good."""
    try:
        return ray.get(task)
    except RayTaskError as error:  # raised around the training, such as by an import
        return Failure(f"the Ray task failed: {first_line(error.cause)}", str(error))
    except RayError as error:
        died = isinstance(error, WorkerCrashedError | OutOfMemoryError)
        return Failure(f"the Ray task was lost, and {RETRIES} retries of it: {first_line(error)}", str(error), died)
