"""Counts: how many seeds reached the target, and how many finished, before and now.

A count that differs is judged by Fisher's exact test: the chance, given how many there are on both sides together,
that so few of them (or so many) fall to the run. It is one p-value among those of the metrics, and takes its share of
their correction only where it could be small enough to matter: the totals, which no change moves from one side to the
other, tell that beforehand (Tarone's argument). With five seeds it never can, and ten of ten leave nothing to find.

A *total loss*, all of n seeds before and none of m now, has another bound. Whatever the probability q of a seed, its
chance is qⁿ(1-q)ᵐ, at most nⁿmᵐ / (n+m)ⁿ⁺ᵐ: one in 1024 with five seeds on both sides, one in 65 536 with eight. It is
a regression where that comes to no more than 0.5 % over all schemes and settings: up to five of them with five seeds,
twenty with six. Seeds are what is independent, so one with several data seeds counts once, as half of its runs or more
do.

Fisher, "The Design of Experiments", 1935, section 2; Tarone, "A modified Bonferroni method for discrete data", 1990.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from initbench.analysis import wording
from initbench.gate.contrast import FALSE_ALARMS
from initbench.gate.findings import Finding, Kind, Mark, Tolerance
from initbench.gate.measured import Cell
from initbench.gate.metrics import STEPS
from initbench.records import FAILED

REACHED, CAME_THROUGH = "reached", "finished"
_WORDS = {REACHED: "reached the target", CAME_THROUGH: "finished without diverging"}


@dataclass(frozen=True)
class Side:
    """How the trials of one side came out that did not fail, by seed."""

    by_seed: Mapping[int, Sequence[bool]]

    @property
    def hits(self) -> int:
        """How many trials did it."""
        return sum(sum(runs) for runs in self.by_seed.values())

    @property
    def trials(self) -> int:
        """How many trials there are."""
        return sum(len(runs) for runs in self.by_seed.values())

    @property
    def seeds(self) -> int:
        """How many seeds there are."""
        return len(self.by_seed)

    @property
    def seed_hits(self) -> int:
        """Of how many seeds at least half of the runs did it."""
        return sum(2 * sum(runs) >= len(runs) for runs in self.by_seed.values())

    @property
    def share(self) -> float:
        """The share of the trials that did it."""
        return self.hits / self.trials


@dataclass(frozen=True)
class Count:
    """A count of one scheme in one setting, on both sides; each has a trial."""

    cell: Cell
    what: str
    before: Side
    now: Side

    @cached_property
    def p_values(self) -> tuple[float, float]:
        """The chance of so few among the run's seeds, and of so many."""
        few, many = self._chances
        hits = self.now.seed_hits
        return few[hits - self._fewest], many[hits - self._fewest]

    @property
    def least_p_value(self) -> float:
        """The least p-value that these totals can have."""
        few, many = self._chances
        return min(few[0], many[-1])

    @property
    def is_total(self) -> bool:
        """Whether it is all on one side and none on the other."""
        return {self.before.share, self.now.share} == {0.0, 1.0}

    @property
    def chance_of_total(self) -> float:
        """What the chance of all before and none now is at most."""
        old, new = self.before.seeds, self.now.seeds
        return math.exp(old * math.log(old) + new * math.log(new) - (old + new) * math.log(old + new))

    def is_certain(self, cells: int) -> bool:
        """Whether it is a total loss or gain that chance does not bring about in any of so many cells."""
        return self.is_total and cells * self.chance_of_total <= FALSE_ALARMS

    @property
    def _fewest(self) -> int:
        """The least of the hits in total that can fall to the run."""
        return max(0, self.before.seed_hits + self.now.seed_hits - self.before.seeds)

    @cached_property
    def _chances(self) -> tuple[list[float], list[float]]:
        """For each number of hits that can fall to the run, the chance of no more and of no fewer: hypergeometric."""
        old, new, hits = self.before.seeds, self.now.seeds, self.before.seed_hits + self.now.seed_hits
        ways = [math.comb(new, k) * math.comb(old, hits - k) for k in range(self._fewest, min(new, hits) + 1)]
        total = sum(ways)
        few = [sum(ways[: index + 1]) / total for index in range(len(ways))]
        many = [sum(ways[index:]) / total for index in range(len(ways))]
        return few, many


def counted(before: Cell, now: Cell) -> Iterator[Count]:
    """The counts of a scheme, where both sides have a trial that did not fail."""
    for what in (REACHED, CAME_THROUGH):
        found = Count(now, what, _side(before, what), _side(now, what))
        if found.before.trials and found.now.trials:
            yield found


def finding(count: Count, beyond: tuple[bool, bool], tolerance: Tolerance) -> Finding:
    """What follows; ``beyond`` says whether fewer, or more, are beyond chance."""
    (old, olds), (new, news) = ((side.hits, side.trials) for side in (count.before, count.now))
    mark = _mark(count, beyond)
    return Finding(
        kind=Kind.STATISTICAL,
        mark=mark,
        scheme=count.cell.label,
        what=count.what,
        before=f"{old}/{olds}",
        now=f"{new}/{news}",
        change="" if mark is Mark.SAME else f"{new - old:+d}" if olds == news else f"of {news}, not {olds}",
        text=f"{count.cell.label}: {new} of {wording.count(news, 'seed')} {_WORDS[count.what]}, {old} of {olds} before",
        fails=mark is Mark.WORSE or (mark is Mark.UNCLEAR and tolerance.strict),
    )


def _mark(count: Count, beyond: tuple[bool, bool]) -> Mark:
    fewer, more = beyond
    if count.now.share < count.before.share:
        return Mark.WORSE if fewer else Mark.UNCLEAR
    return Mark.BETTER if count.now.share > count.before.share and more else Mark.SAME


def _side(cell: Cell, what: str) -> Side:
    reached = [value is not None for value in cell.metrics[STEPS]]
    came_through = [status == "finished" for status in cell.status]
    by_seed: dict[int, list[bool]] = {}
    for seed, status, hit in zip(cell.seeds, cell.status, reached if what == REACHED else came_through, strict=True):
        if status != FAILED:
            by_seed.setdefault(seed, []).append(hit)
    return Side(by_seed)
