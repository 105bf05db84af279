"""Stacks under names that people can read, for the display of a run."""

from __future__ import annotations

from dataclasses import replace

from initbench.events import Event, Started
from initbench.execute import Schedule
from initbench.plan import StackPlan


class Watch:
    """Names the stacks of one run, each when it is first heard of: a plan may have more than anybody wants listed."""

    def __init__(self, work: Schedule) -> None:
        self._axes, self._count = work.plan.axes, len(work.pending)
        self._coming = enumerate(work.pending, start=1)
        self._names: dict[str, str] = {}

    def named(self, event: Event) -> Event:
        """The event, its stack by name."""
        return event if isinstance(event, Started) else replace(event, stack=self._name(event.stack))

    def _name(self, wanted: str) -> str:
        for number, stack in () if wanted in self._names else self._coming:
            self._names[stack.id] = f"stack {number}/{self._count} ({_about(stack, self._axes)})"
            if stack.id == wanted:
                break
        return self._names.get(wanted, wanted)


def _about(stack: StackPlan, axes: tuple[str, ...]) -> str:
    """What tells a stack from the others: its values on the swept axes, and its seeds."""
    columns = stack.trials[0].columns()
    settings = [f"{axis.rpartition('.')[2]} {columns[axis]}" for axis in axes if axis != "init"]
    seeds = sorted({trial.seed for trial in stack.trials})
    return ", ".join([*settings, f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}–{seeds[-1]}"])
