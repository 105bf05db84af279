"""Which schemes to start a network from: ranked by how well they carry signal and gradient, measured and predicted.

The cost of a scheme is what the depth does to it: the logarithm of the factor by which the variance changes over the
hidden layers, forward plus backward, or the depth in units of what theory says can be trained, if that is worse. To it
comes a handicap for what a probe cannot see: being made for other activations, assuming what this network lacks,
needing data, being beyond theory, and being young, since what has long been used is best understood. A scheme that is
dead or symmetric is never recommended, nor one whose signal or gradient is lost.

Schemes that draw weights of the same variances for this network differ in the shape of a distribution at most: the best
ranked of them stands for all.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from initbench.analysis import layers
from initbench.analysis.propagation import Diagnosis, Direction

# Handicaps, in the unit of the cost: the logarithm of a variance. The factor that makes a direction bad is 9.2; chance
# moves a deep ReLU network of moderate width by about 1.
MADE_FOR_OTHERS = 6.0
MADE_FOR_ANY = 3.0
ASSUMES_MORE = 2.0
READS_DATA = 1.0
BEYOND_THEORY = 1.0
A_YEAR = 1 / 60
LONG_AGO = 1998
CHANCE = 5.0  # standard deviations
MOST_ALIKE = 0.1  # of a standard deviation
_RELATIVES = {"leaky_relu": "leaky", "prelu": "leaky"}


@dataclass(frozen=True)
class Traits:
    """What a scheme says of itself, and ``concerns``: what it assumes and does not find in the network.

    ``is_variance_law`` says whether the variances of its weights, all independent, are all there is to it.
    """

    suits: str
    paper: str
    reads_data: bool
    concerns: tuple[str, ...] = ()
    is_variance_law: bool = False


@dataclass(frozen=True)
class Recommendation:
    """A scheme worth trying; ``alike`` are others that draw weights of the same variances here."""

    diagnosis: Diagnosis
    traits: Traits
    made_for_it: bool
    cost: float
    alike: tuple[str, ...] = ()


def recommend(
    diagnoses: Sequence[Diagnosis], traits: Mapping[str, Traits], activation: str
) -> tuple[Recommendation, ...]:
    """The healthy schemes, best first."""
    found = [
        Recommendation(one, traits[one.init], is_made_for(traits[one.init].suits, activation), _cost(one))
        for one in diagnoses
        if one.verdict == "healthy"
    ]
    apart: list[Recommendation] = []
    for one in sorted(found, key=lambda one: one.cost + _handicap(one)):
        same = next((place for place, kept in enumerate(apart) if _are_alike(kept, one)), None)
        if same is None:
            apart.append(one)
        else:
            apart[same] = replace(apart[same], alike=(*apart[same].alike, one.diagnosis.init))
    return tuple(apart)


def is_made_for(suits: str, activation: str) -> bool:
    """Whether a scheme names this activation among what it suits (what follows a semicolon are its limits)."""
    word = _RELATIVES.get(activation, activation)
    return bool(re.search(rf"\b{re.escape(word)}\b", suits.partition(";")[0], re.IGNORECASE))


def _handicap(one: Recommendation) -> float:
    traits = one.traits
    others = MADE_FOR_ANY if is_made_for(traits.suits, "any activation") else MADE_FOR_OTHERS
    years = [int(year) for year in re.findall(r"\b(?:19|20)\d\d\b", traits.paper)]
    return (
        others * (not one.made_for_it)
        + ASSUMES_MORE * bool(traits.concerns)
        + READS_DATA * traits.reads_data
        + BEYOND_THEORY * (one.diagnosis.standing is None)
        + A_YEAR * (min(years, default=LONG_AGO) - LONG_AGO)
    )


def _cost(one: Diagnosis) -> float:
    hops = len(layers.hidden(one.profile)) - 1
    change = hops * (_slope(one.forward) + _slope(one.backward))
    reach = one.standing.trainable_depth if one.standing else None
    return max(change, len(one.profile) / reach if reach else 0.0)


def _are_alike(one: Recommendation, other: Recommendation) -> bool:
    """Whether two variance laws agree on every layer, up to the chance of these draws."""
    if not (one.traits.is_variance_law and other.traits.is_variance_law):
        return False
    if one.diagnosis.closed != other.diagnosis.closed or _bias(one) != _bias(other):
        return False
    first, second = one.diagnosis.profile, other.diagnosis.profile
    weights = first["fan_in"] * first["fan_out"] * first["trials"]
    # The ratio of two sample deviations of n weights each scatters by 1 / √n; no chance makes up for a tenth.
    within = np.minimum(CHANCE / np.sqrt(weights.astype(float)), MOST_ALIKE)
    gap = (first["weight_std_mean"] - second["weight_std_mean"]).abs()
    return bool((gap <= within * first["weight_std_mean"]).all())


def _bias(one: Recommendation) -> float | None:
    return one.diagnosis.standing.bias_variance if one.diagnosis.standing else None


def _slope(way: Direction) -> float:
    return abs(math.log(way.rate)) if way.rate > 0 and math.isfinite(way.rate) else 0.0
