"""What a check finds, and what follows from it: marks, the exit code, one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from initbench.analysis import wording

NO_REGRESSION, REGRESSION, NOT_MEASURED = 0, 1, 3
MOST_IN_SENTENCE = 3


class Mark(Enum):
    """How a comparison came out."""

    BETTER = "+"
    WORSE = "-"
    SAME = "="
    UNCLEAR = "~"
    UNMEASURED = "!"


class Kind(Enum):
    """What was looked at."""

    STATISTICAL = "statistical"
    SIGNAL = "signal"
    EXACT = "exact"
    EXPECTED = "expected"


@dataclass(frozen=True)
class Tolerance:
    """How strict a check is.

    ``margin`` is the change that nobody minds, as a fraction. ``strict`` fails what is inconclusive, ``exact`` any
    changed number.
    """

    margin: float = 0.1
    metrics: tuple[str, ...] | None = None
    strict: bool = False
    exact: bool = False


@dataclass(frozen=True)
class Finding:
    """One comparison: a row of the table, a test case of the JUnit file, an item of pytest.

    ``scheme`` is the scheme with its setting, ``what`` a metric or the name of another look; ``text`` says it in a
    sentence without a stop. ``fails`` makes the check fail.
    """

    kind: Kind
    mark: Mark
    scheme: str
    what: str
    before: str
    now: str
    change: str
    text: str
    fails: bool = False

    @property
    def warns(self) -> bool:
        """Whether it passes, but not in silence."""
        return self.mark is Mark.UNCLEAR and not self.fails

    @property
    def changed(self) -> bool:
        """Whether there is anything to say."""
        return self.mark is not Mark.SAME


@dataclass(frozen=True)
class Report:
    """All that a check found. ``failed`` of ``trials`` could not be measured."""

    name: str
    findings: tuple[Finding, ...]
    trials: int
    failed: int
    seeds: int
    notes: tuple[str, ...] = field(default=())

    @property
    def regressions(self) -> tuple[Finding, ...]:
        """What makes the check fail."""
        return tuple(finding for finding in self.findings if finding.fails)

    @property
    def exit_code(self) -> int:
        """0, 1 or 3. A regression in what could be measured counts, even if something else could not be."""
        if self.failed < self.trials and self.regressions:
            return REGRESSION
        return NOT_MEASURED if self.failed or not self.findings else NO_REGRESSION

    @property
    def sentence(self) -> str:
        """What a reader in a hurry needs to know."""
        if self.failed == self.trials or not self.findings:
            return "Nothing was measured."
        lost = f"{wording.count(self.failed, 'trial')} of {self.trials} could not be measured" if self.failed else ""
        if self.regressions:
            shown = [finding.text for finding in most_telling(self.regressions)[:MOST_IN_SENTENCE]]
            more = len(self.regressions) - len(shown)
            told = [*shown, *([f"and {more} more"] if more else []), *filter(None, [lost])]
            return f"{wording.count(len(self.regressions), 'regression')}: {'; '.join(told)}."
        compared = f"{wording.count(len(self.findings), 'comparison')} over {wording.count(self.seeds, 'seed')}"
        said = {
            "better": self._count(Mark.BETTER),
            "inconclusive": self._count(Mark.UNCLEAR, Kind.STATISTICAL, Kind.SIGNAL, Kind.EXPECTED),
            "with changed numerics": self._count(Mark.UNCLEAR, Kind.EXACT),
        }
        told = [f"{number} {words}" for words, number in said.items() if number]
        start = lost or "No regression"
        return f"{start} in {compared}{': ' if told else ''}{wording.listing(told)}."

    def _count(self, mark: Mark, *kinds: Kind) -> int:
        return sum(finding.mark is mark and (not kinds or finding.kind in kinds) for finding in self.findings)


def most_telling(findings: Sequence[Finding]) -> list[Finding]:
    """What a reader should see first: causes before effects, a signal before the loss that it spoils."""
    order = [Kind.SIGNAL, Kind.STATISTICAL, Kind.EXPECTED, Kind.EXACT]
    return sorted(findings, key=lambda finding: order.index(finding.kind))
