"""Rounds: every side once, then every side again. Drift of the machine touches all sides alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

PAUSE = 0.3  # seconds between timings: idle threads of the side before spin for a while

Side = Callable[[], float]
"""Trains once and gives the seconds that it took."""


@dataclass(frozen=True)
class Timings:
    """The seconds of each side, round by round."""

    seconds: Mapping[str, tuple[float, ...]]

    def median(self, side: str) -> float:
        """The median over the rounds."""
        return median(self.seconds[side])

    def ratio(self, above: str, below: str) -> float:
        """The median over the rounds of one side's time over another's in the same round."""
        return median(a / b for a, b in zip(self.seconds[above], self.seconds[below], strict=True))

    def ratio_of_fastest(self, above: str, below: str) -> float:
        """The ratio of the fastest rounds: what other work on the machine, which only ever adds time, spoils least."""
        return min(self.seconds[above]) / min(self.seconds[below])

    def dump(self) -> dict[str, dict[str, float | list[float]]]:
        """Median, extremes and every round, as plain data."""
        return {
            side: {
                "median": round(median(values), 5),
                "min": round(min(values), 5),
                "max": round(max(values), 5),
                "rounds": [round(value, 5) for value in values],
            }
            for side, values in self.seconds.items()
        }


def interleaved(sides: Mapping[str, Side], rounds: int, say: Callable[[str], None]) -> Timings:
    """Time all sides in turn, ``rounds`` times; a first round, which warms caches and kernels up, is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, taken in _turn(sides):
            say(f"round {turn} of {rounds}, {name}: {taken:.2f} s" if turn else f"warming up, {name}: {taken:.2f} s")
            if turn:
                seconds[name].append(taken)
    return Timings({name: tuple(values) for name, values in seconds.items()})


def _turn(sides: Mapping[str, Side]) -> Iterator[tuple[str, float]]:
    for name, side in sides.items():
        time.sleep(PAUSE)
        yield name, side()


def growth(timings: Timings, sizes: Sequence[int]) -> dict[str, float]:
    """The median seconds of each size, by size."""
    return {str(size): round(timings.median(str(size)), 5) for size in sizes}
