"""The comparison: everything that a report shows, computed once from the tables."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from initbench.analysis import cells, claims, contrasts, layers, outcomes, verdict, wording
from initbench.analysis.rates import Rates, rates
from initbench.analysis.reach import Reach, reach
from initbench.analysis.variance_shares import variance_shares
from initbench.records import Results


@dataclass(frozen=True, repr=False)
class Comparison:
    """Results with what follows from them. Frozen; the tables are not to be changed in place."""

    results: Results
    trials: pd.DataFrame
    """One row per trial: its outcome, state with evidence, and steps to the target (``outcomes.trials``)."""
    schemes: pd.DataFrame
    """One row per scheme and setting (``outcomes.schemes``)."""
    profiles: pd.DataFrame
    """One row per scheme, setting, probe and layer (``layers.profiles``)."""
    contrasts: pd.DataFrame
    """One row per scheme other than the reference, setting and metric (``contrasts.contrasts``)."""
    reference: str
    """The scheme that the contrasts hold the others against."""
    sentence: str
    """The verdict: what was measured, in one sentence."""
    claims: tuple[str, ...]
    """What the seeds allow to be said of each contrast, a sentence each."""
    rates: Rates | None
    """Each scheme at its own best learning rate, where the rate is swept."""
    reach: Reach | None
    """The greatest depth that each scheme trains, where the depth is swept."""
    variance_shares: pd.DataFrame
    """Where weight seeds are crossed with data seeds: what each contributes (``variance_shares.variance_shares``)."""
    notes: tuple[str, ...]
    """What a reader must know before trusting the tables: missing trials, mixed versions, unreadable files."""

    def __repr__(self) -> str:
        """The name and the verdict: the tables would fill screens."""
        return f"<Comparison {self.results.manifest.name}: {self.sentence}>"

    @property
    def axes(self) -> tuple[str, ...]:
        """The outcome columns that tell the rows of ``schemes`` apart, the scheme first."""
        return self.results.manifest.axes

    @property
    def names(self) -> list[str]:
        """The labels of the schemes, in the order in which every table and figure has them."""
        return cells.schemes(self.trials, self.axes)

    @property
    def target(self) -> str:
        """The target in words, such as ``train loss 0.5``."""
        return wording.target(self.results.manifest.target_metric, self.results.manifest.target_value)


def analyze(results: Results, reference: str | None = None) -> Comparison:
    """Compare the schemes of an experiment, each against ``reference``: a scheme's label, the first by default.

    Raises
    ------
    InitbenchError
        There is no such scheme in these results.
    """
    trials = outcomes.trials(results)
    schemes = outcomes.schemes(trials, results.manifest.axes)
    held_against = contrasts.reference_of(cells.schemes(trials, results.manifest.axes), reference)
    depths = reach(trials, results.manifest)
    learned = rates(trials, results.manifest, held_against)
    paired = contrasts.contrasts(trials, results.manifest, held_against)
    return Comparison(
        results=results,
        trials=trials,
        schemes=schemes,
        profiles=layers.profiles(results),
        contrasts=paired,
        reference=held_against,
        sentence=_sentence(schemes, results, depths, learned),
        claims=claims.claims(paired, results.manifest),
        rates=learned,
        reach=depths,
        variance_shares=variance_shares(trials, results.manifest.axes),
        notes=(*_gaps(results), *_mixtures(results.records.outcomes), *results.problems),
    )


def _sentence(schemes: pd.DataFrame, results: Results, depths: Reach | None, learned: Rates | None) -> str:
    """The verdict: where the rate is swept, on the schemes at their best ones; of a search over the depth, its answer.

    That search leaves most of its settings to one scheme.
    """
    if learned is not None and learned.sentence:
        return learned.sentence
    settings = [len(rows) for _, rows in cells.by_setting(schemes, results.manifest.axes)]
    searched = depths is not None and len(set(settings)) > 1
    return depths.claims[0] if depths is not None and searched else verdict.sentence(schemes, results.manifest)


def _gaps(results: Results) -> list[str]:
    part = results.manifest.portion
    whole = [] if part is None else [f"this is a part of an experiment: {part}; initbench merge joins the parts"]
    return [*_not_run(results), *whole]


def _not_run(results: Results) -> list[str]:
    planned = len(set(results.manifest.trials))
    missing = planned - results.records.outcomes["id"].nunique()
    if not missing:
        return []
    return [f"{missing} of {wording.count(planned, 'trial')} did not run yet; run again to add what is missing"]


def _mixtures(table: pd.DataFrame) -> list[str]:
    found = []
    for column, noun in {
        "torch": "torch versions",
        "device": "devices",
        "numerics": "versions of the training loop",
    }.items():
        values = sorted({str(value) for value in table[column].dropna()}) if column in table else []
        if len(values) > 1:
            found.append(f"these results mix {noun}: {wording.listing(values)}")
    return found
