"""What a run shows while it goes on: a live display on a terminal, plain lines elsewhere, next to nothing when quiet.

Displays are fed with events and know nothing of how trials are trained.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from initbench.analysis import wording
from initbench.events import Event, Failed, Finished, Progressed, Started

_EVERY_SECONDS = 10.0  # between two plain lines about stacks that are still training


class Tally:
    """What the events so far add up to."""

    def __init__(self) -> None:
        self.trials_to_do = 0
        self.stacks = 0
        self.stacks_done = 0
        self.trials_done = 0
        self._running: dict[str, Progressed] = {}
        self._losses: dict[str, dict[str, float]] = {}

    def add(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, Started):
            self.trials_to_do, self.stacks = event.trials - event.cached, event.stacks
        elif isinstance(event, Progressed):
            self._running[event.stack] = event
            for scheme, loss in event.losses.items():
                self._losses.setdefault(scheme, {})[event.stack] = loss
        else:
            self._running.pop(event.stack, None)
            self.stacks_done += 1
            self.trials_done += event.trials

    @property
    def running(self) -> tuple[Progressed, ...]:
        """The latest news of each stack that is training."""
        return tuple(self._running.values())

    @property
    def work(self) -> float:
        """Stacks done, those in training counted by their share of updates."""
        return self.stacks_done + sum(news.step / max(news.steps, 1) for news in self.running)

    @property
    def losses(self) -> dict[str, float]:
        """The latest loss of each scheme, averaged over its stacks; NaN or infinite once one of them is."""
        return {scheme: math.fsum(found.values()) / len(found) for scheme, found in self._losses.items()}

    @property
    def count(self) -> str:
        """``12/20 trials``."""
        return f"{self.trials_done}/{wording.count(self.trials_to_do, 'trial')}"

    def time_left(self, elapsed: float) -> str:
        """``; about 1 min 20 s left`` after so many seconds, nothing before there is something to go by."""
        if not self.work:
            return ""
        seconds = round(elapsed * max(self.stacks - self.work, 0.0) / self.work)
        return f"; about {seconds // 60} min {seconds % 60} s left" if seconds >= 60 else f"; about {seconds} s left"


class Display(ABC):
    """Shows a run to a person. Use as a context; ``show`` each event as it comes."""

    def __init__(self) -> None:
        self.tally = Tally()

    def show(self, event: Event) -> None:
        """Take an event in and show what is new."""
        self.tally.add(event)
        self.update(event)

    @abstractmethod
    def update(self, event: Event) -> None:
        """Show what ``event``, already in the tally, has changed."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def open(self) -> None:
        """Take hold of the terminal."""

    @abstractmethod
    def close(self) -> None:
        """Leave the terminal as it was."""


class LiveDisplay(Display):
    """A bar with the time left, what is training, and the loss so far by scheme; gone when the run is over."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("training", total=None)
        self._live = Live(get_renderable=self._render, console=console, transient=True, refresh_per_second=4)

    def open(self) -> None:
        """Begin to draw."""
        self._live.start()

    def close(self) -> None:
        """Wipe the display."""
        self._live.stop()

    def update(self, event: Event) -> None:
        """Move the bar; print failures above it."""
        if isinstance(event, Failed):
            self._console.print(Text(f"{event.stack} failed: {event.reason}", style="red"))
        tally = self.tally
        self._bar.update(self._task, total=tally.stacks, completed=tally.work, description=tally.count)

    def _render(self) -> RenderableType:
        parts: list[RenderableType] = [self._bar]
        parts += [Text(f"{news.stack}, step {news.step} of {news.steps}", style="dim") for news in self.tally.running]
        losses = Table.grid(padding=(0, 2))
        for scheme, loss in self.tally.losses.items():
            losses.add_row(Text(scheme), Text(_loss(loss)))
        return Group(*parts, losses) if self.tally.losses else Group(*parts)


class PlainDisplay(Display):
    """Lines for logs and pipes: the start, every finished or failed stack, and in between a word now and then."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._console = console
        self._clock = clock
        self._began = self._spoke = clock()

    def open(self) -> None:
        """Start the clock."""
        self._began = self._spoke = self._clock()

    def close(self) -> None:
        """Nothing to undo."""

    def update(self, event: Event) -> None:
        """Print what is worth a line."""
        now = self._clock()
        if isinstance(event, Progressed) and now - self._spoke < _EVERY_SECONDS:
            return
        self._spoke = now
        self._console.print(Text(self._line(event, now)), soft_wrap=True)

    def _line(self, event: Event, now: float) -> str:
        if isinstance(event, Started):
            cached = f", {event.cached} already done" if event.cached else ""
            return f"{wording.count(event.trials, 'trial')}{cached}"
        tally = self.tally
        if isinstance(event, Failed):
            return f"{tally.count}: {event.stack} failed: {event.reason}"
        losses = ", ".join(f"{scheme} {_loss(loss)}" for scheme, loss in tally.losses.items())
        where = "done" if isinstance(event, Finished) else f"at step {event.step} of {event.steps}"
        shown = f"; train loss {losses}" if losses else ""
        return f"{tally.count}: {event.stack} {where}{shown}{tally.time_left(now - self._began)}"


class QuietDisplay(Display):
    """Failures alone."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def open(self) -> None:
        """Nothing to take hold of."""

    def close(self) -> None:
        """Nothing to undo."""

    def update(self, event: Event) -> None:
        """Print a failure."""
        if isinstance(event, Failed):
            self._console.print(Text(f"{event.stack} failed: {event.reason}"), soft_wrap=True)


def display(console: Console, *, quiet: bool = False) -> Display:
    """The display that suits a console."""
    if quiet:
        return QuietDisplay(console)
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


def _loss(loss: float) -> str:
    return wording.significant(loss) if math.isfinite(loss) else "not finite"
