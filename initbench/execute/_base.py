"""The seam between a run and the machines it uses: stacks go in, their outcomes come out in any order."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Protocol

from initbench.events import Progressed
from initbench.plan import StackPlan
from initbench.records import Records
from initbench.train.initialise import Failure
from initbench.train.material import Material

Outcome = tuple[StackPlan, Records | Failure]
"""A stack, and its records or what went wrong in it."""

Said = Generator[Outcome | Progressed, None, None]
"""What an executor says. Closing it stops what is in flight."""


class Executor(Protocol):
    """Somewhere to train stacks. It writes nothing: records come back to the driver, which alone keeps them."""

    @property
    def workers(self) -> int:
        """How many stacks train at once."""
        ...

    def run(self, stacks: Iterable[StackPlan], materials: Mapping[str, Material]) -> Said:
        """Each stack's outcome as it comes, exactly one for each, and progress in between.

        A stack for which memory ran out, or that its worker did not survive, is a ``Failure`` that says so; what comes
        of that is decided above.

        ``stacks`` is read no faster than it is worked off, so that a plan may be larger than memory. A stack's
        arithmetic is the same wherever it runs.
        """
        ...
