"""What a schedule is: a factor on the learning rate for each step."""

from __future__ import annotations

from abc import ABC, abstractmethod

from pydantic import Field

from initbench.component import Component


class Schedule(Component, ABC):
    """A learning rate schedule, with an optional linear warm-up before it.

    Steps are updates, not epochs. The warm-up goes up in equal parts and reaches the full rate with the first step
    after it.
    """

    warmup: int = Field(default=0, ge=0, description="steps over which the rate rises linearly to its full value")

    @abstractmethod
    def decay(self, step: int, steps: int) -> float:
        """The factor after the warm-up, for the update ``step`` (from 0) of the ``steps`` that remain then."""

    def factor(self, step: int, steps: int) -> float:
        """The factor on the learning rate for the update ``step`` (from 0) of ``steps``."""
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        return self.decay(step - self.warmup, steps - self.warmup)
