"""Stacks that do not fit into memory, in halves; above every executor, so that each of them has it.

An executor says of a stack that memory ran out, or that its worker was killed, as the kernel does when memory runs out.
The stack's trials are then trained again in two halves, those in halves if need be, down to a single trial: what that
alone cannot hold is failed, and so is a trial that kills its worker, while its neighbors get their records. Trials do
not depend on the stack that they ride in but for rounding, so what was done in halves agrees with the whole up to
rounding, where all else is bit-identical.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace

from initbench.events import Progressed
from initbench.execute._base import Executor
from initbench.plan import StackPlan
from initbench.records import Records
from initbench.train.initialise import Failure
from initbench.train.material import Material

ADVICE = "memory does not suffice for this trial alone: use a smaller network or batch_size, or fewer --workers"


@dataclass(frozen=True)
class Part:
    """What became of trials that were trained together: all of the stack that was planned, or what fitted into memory.

    ``stack`` is the stack of the plan, by which people know it.
    """

    stack: StackPlan
    trained: StackPlan
    outcome: Records | Failure


@dataclass(frozen=True)
class Halving:
    """Stacks on an executor, cut smaller where memory runs out. Trials that are ``done`` are not gone after."""

    executor: Executor
    done: Collection[str]
    _halves: list[StackPlan] = field(default_factory=list)
    _whole: dict[str, StackPlan] = field(default_factory=dict)  # the stack of the plan, by the id of a half of it

    def run(
        self, stacks: Iterable[StackPlan], materials: Mapping[str, Material]
    ) -> Generator[Part | Progressed, None, None]:
        """The parts of each stack as they come, one unless memory runs out, and progress in between."""
        waiting = iter(stacks)
        while True:
            with closing(self.executor.run(self._fed(waiting), materials)) as heard:
                for said in heard:
                    if isinstance(said, Progressed):
                        yield replace(said, stack=self._planned(said.stack))
                    elif (part := self._settled(*said)) is not None:
                        yield part
            if not self._halves:
                return

    def _fed(self, waiting: Iterator[StackPlan]) -> Iterator[StackPlan]:
        """Halves before whole stacks, so that there are never many of them."""
        while True:
            if self._halves:
                yield self._halves.pop()
            elif (stack := next(waiting, None)) is not None:
                yield stack
            else:
                return

    def _planned(self, stack: str) -> str:
        return self._whole[stack].id if stack in self._whole else stack

    def _settled(self, trained: StackPlan, outcome: Records | Failure) -> Part | None:
        """The part that is now known, or None where its halves are to be tried first."""
        stack = self._whole.pop(trained.id, trained)
        if isinstance(outcome, Failure) and outcome.out_of_memory:
            if len(trained.trials) > 1:
                for half in _halves(trained):
                    if any(trial.id not in self.done for trial in half.trials):
                        self._halves.append(half)
                        self._whole[half.id] = stack
                return None
            outcome = replace(outcome, reason=f"{outcome.reason}; {ADVICE}")
        return Part(stack, trained, outcome)


def _halves(stack: StackPlan) -> tuple[StackPlan, StackPlan]:
    middle = (len(stack.trials) + 1) // 2
    return StackPlan(stack.trials[:middle]), StackPlan(stack.trials[middle:])
