"""Stacks under names that people can read, for the display of a run."""

from __future__ import annotations

from dataclasses import replace

from initbench.events import Event, Started
from initbench.execute import Schedule
from initbench.plan import StackPlan


class Watch:
    """Names the stacks of one run."""

    def __init__(self, work: Schedule) -> None:
        pending = work.pending
        self._names = {
            stack.id: f"stack {n}/{len(pending)} ({_about(stack, work.plan.axes)})"
            for n, stack in enumerate(pending, start=1)
        }

    def named(self, event: Event) -> Event:
        """The event, its stack by name."""
        return event if isinstance(event, Started) else replace(event, stack=self._names[event.stack])


def _about(stack: StackPlan, axes: tuple[str, ...]) -> str:
    """What tells a stack from the others: its values on the swept axes, and its seeds."""
    columns = stack.trials[0].columns()
    settings = [f"{axis.rpartition('.')[2]} {columns[axis]}" for axis in axes if axis != "init"]
    seeds = sorted({trial.seed for trial in stack.trials})
    return ", ".join([*settings, f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}–{seeds[-1]}"])
