"""A learning rate that falls by a constant factor at regular intervals.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2016, section 4.2, and much before it.
"""

from __future__ import annotations

from pydantic import Field

from initbench.schedules import _base


class Step(_base.Schedule):
    """gamma to the power of the number of drops so far."""

    every: int = Field(ge=1, description="steps (updates) from one drop to the next", examples=[100])
    gamma: float = Field(default=0.1, gt=0, le=1, description="factor on the rate at each drop")

    def decay(self, step: int, _steps: int) -> float:
        """gamma^⌊step / every⌋."""
        return self.gamma ** (step // self.every)
