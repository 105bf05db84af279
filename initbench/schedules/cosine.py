"""Half a cosine wave from the full learning rate down to a floor.

The rate reaches the floor one step after the last, so that no update is spent on a rate of zero.

Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017, equation 5, without restarts.
"""

from __future__ import annotations

import math

from pydantic import Field

from initbench.schedules import _base


class Cosine(_base.Schedule):
    """floor + (1 - floor) · (1 + cos(π step / steps)) / 2."""

    floor: float = Field(default=0.0, ge=0, le=1, description="the factor at the end of training")

    def decay(self, step: int, steps: int) -> float:
        """The cosine at ``step`` of ``steps``."""
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * step / steps)) / 2
