"""The same learning rate for every step (after the warm-up, if there is one)."""

from __future__ import annotations

from initbench.schedules import _base


class Constant(_base.Schedule):
    """No decay."""

    def decay(self, _step: int, _steps: int) -> float:
        """Return 1."""
        return 1.0
