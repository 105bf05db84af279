"""How much worse a run is than its baseline: a ratio with its interval, and the chance of it under no change.

Both sides give one cost a seed, a logarithm (``metrics.cost``), so that the difference of the means is the logarithm
of a ratio. Where the seeds agree the differences are taken seed by seed (paired t); where they do not, between the
two groups (Welch). The error term is the spread between seeds; crossed data seeds of one weight seed are averaged
before, for they share its weights. The t distribution is safe here: under no change the differences are symmetric
whatever the metric's distribution, and heavy tails make it cautious. What could fool it is a spread of zero on a
coarse grid, so no spread counts as less than the grid can hide.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

FALSE_ALARMS = 0.005
"""The share of checks of unchanged code that may fail by chance on one kind of finding."""

LEVEL = 0.95
MOST = 700.0  # of a ratio's logarithm; beyond, a float runs out of exponents

Costs = Mapping[tuple[int, int], float]
"""The cost of each trial, by (seed, data seed)."""


@dataclass(frozen=True)
class Contrast:
    """The ratio of a run's cost to its baseline's, above 1 where it is worse; with its own 95 % interval."""

    ratio: float
    low: float
    high: float
    p_worse: float
    p_better: float
    seeds: int
    paired: bool

    @property
    def spread_known(self) -> bool:
        """Whether there are seeds enough to know how much chance can do."""
        return self.seeds > 1


def contrast(before: Costs, now: Costs, hidden_spread: float) -> Contrast | None:
    """Compare the costs of trials; None where one side has none. ``hidden_spread`` is that of one seed."""
    both = before.keys() & now.keys()
    paired = bool(both) and 2 * len(both) >= min(len(before), len(now))
    if paired:
        old, new = _by_seed({key: before[key] for key in both}), _by_seed({key: now[key] for key in both})
        differences = np.array([new[seed] - old[seed] for seed in old])
        if not differences.any():
            return Contrast(1.0, 1.0, 1.0, 1.0, 1.0, len(differences), paired=True)
        variance = _variance(differences, math.sqrt(2) * hidden_spread) / len(differences)
        return _contrast(float(differences.mean()), variance, len(differences) - 1, len(differences), paired=True)
    if not before or not now:
        return None
    old_costs, new_costs = (np.array(list(_by_seed(side).values())) for side in (before, now))
    parts = [_variance(costs, hidden_spread) / len(costs) for costs in (old_costs, new_costs)]
    counts = [len(old_costs), len(new_costs)]
    freedom = _welch(parts, counts)
    return _contrast(float(new_costs.mean() - old_costs.mean()), sum(parts), freedom, min(counts), paired=False)


def _contrast(effect: float, variance: float, freedom: float, seeds: int, *, paired: bool) -> Contrast:
    from scipy.special import stdtr, stdtrit  # slow to import, and only a check needs it

    error = math.sqrt(variance)
    if effect == 0 and error == 0:
        return Contrast(1.0, 1.0, 1.0, 1.0, 1.0, seeds, paired)
    if freedom <= 0:
        return Contrast(_exp(effect), 0.0, math.inf, 1.0, 1.0, seeds, paired)
    score = effect / error if error else math.copysign(math.inf, effect)
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    worse, better = float(stdtr(freedom, -score)), float(stdtr(freedom, score))
    return Contrast(_exp(effect), _exp(effect - half), _exp(effect + half), worse, better, seeds, paired)


def _by_seed(costs: Costs) -> dict[int, float]:
    groups: dict[int, list[float]] = {}
    for (seed, _), cost in sorted(costs.items()):
        groups.setdefault(seed, []).append(cost)
    return {seed: math.fsum(group) / len(group) for seed, group in groups.items()}


def _variance(values: np.ndarray, hidden_spread: float) -> float:
    """The variance between seeds, but no less than the grid may hide."""
    return max(float(values.var(ddof=1)), hidden_spread**2) if len(values) > 1 else hidden_spread**2


def _welch(parts: Sequence[float], counts: Sequence[int]) -> float:
    """The degrees of freedom after Welch and Satterthwaite."""
    if min(counts) < 2:
        return 0
    below = sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    return sum(parts) ** 2 / below if below else sum(counts) - 2


def _exp(value: float) -> float:
    """A ratio that is neither 0 nor infinite, so that its logarithm can be taken again."""
    return math.exp(min(max(value, -MOST), MOST))
