"""Verdicts on a scheme before training: does the signal reach the output, and the gradient the first layer.

Judged are the hidden layers, by the geometric mean over the seeds: the activation variance forward, the gradient
variance backward. A direction is *vanishing* or *exploding* if its variance has changed by a factor of 10,000 (100 in
standard deviation) at the end of its way against the start, and from the layer on where it has done so for good; a dip
inside a residual branch is none. The rate is the factor on the variance from one hidden layer to the next, in the
direction of travel. A layer is *dead* where nearly all units give every input the same value, and *symmetric* where
all units have the same weights, so that they will stay alike for ever.

A residual branch may start *closed*, as Fixup, ReZero and SkipInit have it: the zeros at its end let no signal out, or
no gradient in, until they have learned. That is its design and no fault, as long as the shortcut carries both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Literal

import numpy as np
import pandas as pd

from initbench.analysis import cells, layers
from initbench.analysis.failures import ALIKE
from initbench.records import Results
from initbench.theory import Standing

Branches = tuple[tuple[str, ...], ...]
"""Residual branches, each as the names of its weight layers in order."""

Verdict = Literal["healthy", "vanishing", "exploding", "dead", "symmetric"]

CHANGED = 1e4  # of a variance
MOSTLY_DEAD = 0.9  # deep ReLU networks, whose inputs become alike, come to a half by nature


@dataclass(frozen=True)
class Direction:
    """Forward or backward: the verdict, the first layer that earned it (None if healthy), and the rate per layer."""

    verdict: Verdict
    first_bad_layer: str | None
    rate: float


@dataclass(frozen=True)
class Diagnosis:
    """What is to be said of one scheme; ``profile`` has a row per layer (see ``layers.profiles``).

    ``closed`` are the residual branches that it closes at first.
    """

    init: str
    forward: Direction
    backward: Direction
    standing: Standing | None
    profile: pd.DataFrame
    closed: Branches = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict forward if that is bad, else the one backward."""
        return self.forward.verdict if self.forward.verdict != "healthy" else self.backward.verdict

    @property
    def remark(self) -> str:
        """What explains the verdict and the words of theory, in a sentence each, or ""."""
        sentences = []
        if self.closed:
            starts = "residual branch starts" if len(self.closed) == 1 else "residual branches start"
            closed = f"{len(self.closed)} {starts} closed"
            sentences.append(f"{closed}: until they learn, the shortcut alone carries the signal.")
        if self.standing is not None and self.standing.phase == "unbounded":
            sentences.append("Unbounded: with more layers the variance of the signal grows without end.")
        return " ".join(sentences)


def diagnose(
    results: Results, standings: Mapping[str, Standing | None], closed: Mapping[str, Branches]
) -> tuple[Diagnosis, ...]:
    """A diagnosis for each scheme, in order, from the first probe of an experiment that sweeps nothing else."""
    profiles = layers.profiles(results)
    first = profiles[profiles["probe"] == layers.FIRST]
    found = []
    for cell, profile in cells.by_cell(first, (cells.SCHEME,)):
        init = str(cell[cells.SCHEME])
        branches = closed.get(init, ())
        found.append(
            Diagnosis(
                init=init,
                forward=forward(profile, branches),
                backward=backward(profile, branches),
                standing=standings.get(init),
                profile=profile.reset_index(drop=True),
                closed=branches,
            )
        )
    return tuple(found)


def forward(profile: pd.DataFrame, closed: Branches = ()) -> Direction:
    """The signal's way from the first layer to the last hidden one."""
    hidden = layers.hidden(profile).sort_values("layer")
    rate = layers.growth(profile, "activation_variance_geomean")
    symmetric = (hidden["unit_diversity_mean"] < ALIKE) & (hidden["weight_mean_mean"] != 0)
    dead = (hidden["dead_fraction_mean"] > MOSTLY_DEAD) | (hidden["preact_variance_geomean"] == 0)
    dead &= ~hidden["name"].isin([branch[-1] for branch in closed])
    for verdict, bad in (("symmetric", symmetric), ("dead", dead)):
        if bad.any():
            return Direction(verdict, str(hidden.loc[bad, "name"].iloc[0]), rate)  # type: ignore[arg-type]
    silent = hidden["name"].isin(list(chain(*closed))) & (hidden["activation_variance_geomean"] == 0)
    return _travel(hidden[~silent], "activation_variance_geomean", rate)


def backward(profile: pd.DataFrame, closed: Branches = ()) -> Direction:
    """The gradient's way from the last hidden layer to the first.

    An output layer that starts at zero hands no gradient down before its first update; that is its design and no
    fault.
    """
    hidden = layers.hidden(profile).sort_values("layer", ascending=False)
    rate = layers.growth(profile, "grad_variance_geomean", backward=True)
    output = profile.sort_values("layer").iloc[-1]
    hidden = hidden[~(hidden["name"].isin(list(chain(*closed))) & (hidden["grad_variance_geomean"] == 0))]
    zero = hidden["grad_variance_geomean"] == 0
    if zero.all() and output["weight_std_mean"] == 0 and (hidden["weight_std_mean"] > 0).all():
        return Direction("healthy", None, rate)
    if zero.any():
        return Direction("dead", str(hidden.loc[zero, "name"].iloc[0]), rate)
    return _travel(hidden, "grad_variance_geomean", rate)


def _travel(ordered: pd.DataFrame, column: str, rate: float) -> Direction:
    """Vanishing or exploding from the layer on behind which no value is near the first layer's again."""
    if ordered.empty:  # but for closed branches there is no layer
        return Direction("healthy", None, rate)
    values = ordered[column].astype(float).to_numpy()
    measured = np.where(np.isfinite(values), values, math.inf)
    change = measured / measured[0] if measured[0] > 0 and math.isfinite(measured[0]) else measured * math.inf
    good = np.flatnonzero((change >= 1 / CHANGED) & (change <= CHANGED))
    first_bad = int(good[-1]) + 1 if len(good) else 0
    if first_bad == len(change):
        return Direction("healthy", None, rate)
    verdict: Verdict = "vanishing" if change[first_bad] < 1 else "exploding"
    return Direction(verdict, str(ordered["name"].iloc[first_bad]), rate)
