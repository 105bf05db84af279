"""How often a comparison claims what is not so, and how often it finds what is: ``python -m benchmarks.calibration``.

Comparisons are simulated and judged by the code that judges real ones, from the paired steps on. The steps to the
target of a scheme scatter over seeds: log-normally, by 15 %, on top of 10 % that both schemes of a pair share; one run
in ten takes twice as long; steps are seen every 10 updates; and what takes longer than the budget counts the whole of
it. That is more scatter than deep ReLU networks on MNIST show, and of a less convenient shape.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated

import numpy as np
import typer

from initbench.analysis import contrasts, signflip

SEEDS = (3, 5, 6, 7, 8, 10, 20)
MORE = 50  # times as many comparisons for false claims as for power, so that 5 % and 5.3 % are told apart
EFFECTS = (1.1, 1.25, 2.0)
FAMILY = 4  # schemes, and so three comparisons with the reference, that are judged together

MEDIAN, BUDGET, EVERY = 200, 800, 10
SHARED, OWN, LATE = 0.10, 0.15, 0.1


@dataclass(frozen=True)
class Calibration:
    """Shares of simulated comparisons, by number of paired seeds."""

    seeds: int
    exact: float
    """Of false claims, given how large the differences are and that either sign is as likely."""
    false_claims: float
    false_claims_in_family: float
    power: tuple[float, ...]


def log_steps(rng: np.random.Generator, seeds: int, effects: tuple[float, ...]) -> np.ndarray:
    """The logarithms of the steps of a reference and, for each effect, of a scheme that takes so many times them."""
    late = np.where(rng.random((len(effects) + 1, seeds)) < LATE, 2.0, 1.0)
    scatter = rng.normal(0.0, SHARED, seeds) + rng.normal(0.0, OWN, late.shape)
    steps = MEDIAN * np.array([[1.0], *([effect] for effect in effects)]) * late * np.exp(scatter)
    return np.asarray(np.log(np.minimum(np.ceil(steps / EVERY) * EVERY, BUDGET)))


def claimed(rng: np.random.Generator, seeds: int, effects: tuple[float, ...]) -> bool:
    """Whether any difference in steps is claimed in one simulated comparison."""
    reference, *others = log_steps(rng, seeds, effects)
    rows = [asdict(signflip.evidence(list(steps - reference))) for steps in others]
    return any(row["decision"] == contrasts.SHOWN for row in contrasts.decided(rows))


def share_claimed(seeds: int, effects: tuple[float, ...], comparisons: int) -> float:
    """The share of simulated comparisons that claim a difference; the same for the same arguments."""
    rng = np.random.default_rng([seeds, len(effects), round(100 * max(effects)), comparisons])
    return sum(claimed(rng, seeds, effects) for _ in range(comparisons)) / comparisons


def exact_share(seeds: int, comparisons: int) -> float:
    """The share of false claims without the noise of simulated signs: of simulated magnitudes, over all their flips."""
    rng = np.random.default_rng([seeds, comparisons])
    return float(np.mean([_flips_claimed(*log_steps(rng, seeds, (1.0,))) for _ in range(comparisons)]))


def _flips_claimed(reference: np.ndarray, steps: np.ndarray) -> float:
    """The share of sign flips whose mean is so far from zero that at most 5 % of all are as far."""
    totals = np.zeros(1)
    for difference in np.abs(steps - reference):
        totals = np.concatenate([totals + difference, totals - difference])
    far = np.abs(totals).round(9)  # equal logarithms of equal ratios
    most = int(signflip.ALPHA * len(far))
    next_to = np.partition(far, len(far) - most - 1)[len(far) - most - 1]
    return float((far > next_to).mean())


def calibrated(seeds: int, comparisons: int) -> Calibration:
    """Simulate with so many seeds."""
    return Calibration(
        seeds,
        exact_share(seeds, comparisons),
        share_claimed(seeds, (1.0,), MORE * comparisons),
        share_claimed(seeds, (1.0,) * (FAMILY - 1), MORE * comparisons),
        tuple(share_claimed(seeds, (effect,), comparisons) for effect in EFFECTS),
    )


def markdown(rows: list[Calibration]) -> str:
    """The table of ``docs/statistics.md``."""
    head = [
        "seeds",
        "false claims, exact",
        "simulated",
        f"simulated, {FAMILY} schemes",
        *(f"power at {_percent(e)}" for e in EFFECTS),
    ]
    lines = [f"| {' | '.join(head)} |", f"|{' ---: |' * len(head)}"]
    for row in rows:
        shares = (row.exact, row.false_claims, row.false_claims_in_family, *row.power)
        lines.append(f"| {row.seeds} | {' | '.join(f'{100 * share:.1f} %' for share in shares)} |")
    return "\n".join(lines)


def _percent(effect: float) -> str:
    return f"{effect:g}×" if effect >= 2 else f"{100 * (effect - 1):.0f} %"


def main(
    comparisons: Annotated[
        int,
        typer.Option(
            min=1, help="Simulated comparisons for each number on power; fifty times as many for false claims."
        ),
    ] = 1000,
) -> None:
    """Print the calibration table, with its standard errors; minutes with 1000 comparisons."""
    print(markdown([calibrated(seeds, comparisons) for seeds in SEEDS]))
    errors = (100 * math.sqrt(share * (1 - share) / n) for share, n in ((0.05, MORE * comparisons), (0.5, comparisons)))
    print("\nStandard error: {:.1f} % of a false claim rate of 5 %, {:.1f} % of a power of 50 %.".format(*errors))


if __name__ == "__main__":
    typer.run(main)
