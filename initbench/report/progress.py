"""What a run shows while it goes on: a live display on a terminal, plain lines elsewhere, next to nothing when quiet.

Displays are fed with events and know nothing of how trials are trained.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from initbench.analysis import wording

_EVERY_SECONDS = 10.0  # between two plain lines about stacks that are still training


@dataclass(frozen=True)
class Started:
    """The run begins: ``trials`` in all, of which ``cached`` are done already; the rest are trained in ``stacks``."""

    trials: int
    cached: int
    stacks: int


@dataclass(frozen=True)
class Progressed:
    """``stack`` has done ``step`` of ``steps`` updates of ``trials`` trials; ``losses`` so far, a mean per scheme."""

    stack: str
    step: int
    steps: int
    losses: Mapping[str, float]
    trials: int


@dataclass(frozen=True)
class Finished:
    """``stack`` is done and recorded, with so many ``outcomes``."""

    stack: str
    outcomes: int
    seconds: float


@dataclass(frozen=True)
class Failed:
    """``stack`` ended with an exception; the run goes on."""

    stack: str
    reason: str


Event = Started | Progressed | Finished | Failed


class Tally:
    """What the events so far add up to."""

    def __init__(self) -> None:
        self.started = Started(0, 0, 0)
        self.stacks_done = 0
        self.trials_done = 0
        self._running: dict[str, Progressed] = {}
        self._losses: dict[str, dict[str, float]] = {}

    def add(self, event: Event) -> None:
        """Take an event in."""
        if isinstance(event, Started):
            self.started = event
            return
        if isinstance(event, Progressed):
            self._running[event.stack] = event
            for scheme, loss in event.losses.items():
                self._losses.setdefault(scheme, {})[event.stack] = loss
            return
        last = self._running.pop(event.stack, None)
        self.stacks_done += 1
        self.trials_done += event.outcomes if isinstance(event, Finished) else last.trials if last else 0

    @property
    def running(self) -> tuple[Progressed, ...]:
        """The latest news of each stack that is training."""
        return tuple(self._running.values())

    @property
    def work(self) -> float:
        """Trials done, those in training counted by their share of updates."""
        return self.trials_done + sum(news.trials * news.step / max(news.steps, 1) for news in self.running)

    @property
    def losses(self) -> dict[str, float]:
        """The latest loss of each scheme, averaged over its stacks; NaN or infinite once one of them is."""
        return {scheme: math.fsum(found.values()) / len(found) for scheme, found in self._losses.items()}


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

    def __enter__(self) -> Display:
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
        to_do = self.tally.started.trials - self.tally.started.cached
        self._bar.update(self._task, total=to_do, completed=self.tally.work, description=_described(self.tally))

    def _render(self) -> RenderableType:
        rows = Table.grid(padding=(0, 2))
        for news in self.tally.running:
            rows.add_row(Text(news.stack, style="dim"), Text(f"step {news.step}/{news.steps}", style="dim"))
        losses = Table.grid(padding=(0, 2))
        for scheme, loss in self.tally.losses.items():
            losses.add_row(Text(scheme), Text(_loss(loss)))
        return Group(self._bar, rows, losses)


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
        if isinstance(event, Failed):
            return f"{_described(self.tally)}: {event.stack} failed: {event.reason}"
        losses = ", ".join(f"{scheme} {_loss(loss)}" for scheme, loss in self.tally.losses.items())
        left = f"; {_left(self.tally, now - self._began)}" if self.tally.work else ""
        if isinstance(event, Finished):
            return f"{_described(self.tally)}: {event.stack} done in {event.seconds:.1f} s; train loss {losses}{left}"
        return f"{_described(self.tally)}: {event.stack} at step {event.step}/{event.steps}; train loss {losses}{left}"


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


def _described(tally: Tally) -> str:
    to_do = tally.started.trials - tally.started.cached
    return f"{tally.trials_done}/{to_do} trials"


def _loss(loss: float) -> str:
    return wording.significant(loss) if math.isfinite(loss) else "not finite"


def _left(tally: Tally, elapsed: float) -> str:
    remaining = max(tally.started.trials - tally.started.cached - tally.work, 0.0)
    seconds = round(elapsed * remaining / tally.work)
    return f"about {seconds // 60} min {seconds % 60} s left" if seconds >= 60 else f"about {seconds} s left"
