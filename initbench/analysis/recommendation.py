"""Which schemes to start a network from: ranked by how well they carry signal and gradient, measured and predicted.

The cost of a scheme is what the depth does to it: the logarithm of the factor by which the variance changes over the
hidden layers, forward plus backward, or the depth in units of what theory says can be trained, if that is worse.
Costs within what chance explains count as equal; among equals come first the schemes made for this activation, then
those that find here all that they assume, then those that need no data. A scheme that is dead or symmetric is never
recommended, nor one whose signal or gradient is lost.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from initbench.analysis import layers
from initbench.analysis.propagation import Diagnosis, Direction

CHANCE = 1.5  # in the logarithm of a variance: a few seeds of a deep ReLU network of moderate width
_RELATIVES = {"leaky_relu": "leaky", "prelu": "leaky"}


@dataclass(frozen=True)
class Traits:
    """What a scheme says of itself, and ``concerns``: what it assumes and does not find in the network."""

    suits: str
    paper: str
    reads_data: bool
    concerns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recommendation:
    """A scheme worth trying."""

    diagnosis: Diagnosis
    traits: Traits
    made_for_it: bool
    cost: float


def recommend(
    diagnoses: Sequence[Diagnosis], traits: Mapping[str, Traits], activation: str
) -> tuple[Recommendation, ...]:
    """The healthy schemes, best first."""
    found = [
        Recommendation(one, traits[one.init], is_made_for(traits[one.init].suits, activation), _cost(one))
        for one in diagnoses
        if one.verdict == "healthy"
    ]
    return tuple(sorted(found, key=_rank))


def is_made_for(suits: str, activation: str) -> bool:
    """Whether a scheme names this activation among what it suits (what follows a semicolon are its limits)."""
    word = _RELATIVES.get(activation, activation)
    return bool(re.search(rf"\b{re.escape(word)}\b", suits.partition(";")[0], re.IGNORECASE))


def _rank(one: Recommendation) -> tuple[int, bool, bool, bool, float]:
    traits = one.traits
    return int(one.cost / CHANCE), not one.made_for_it, bool(traits.concerns), traits.reads_data, one.cost


def _cost(one: Diagnosis) -> float:
    hops = len(layers.hidden(one.profile)) - 1
    change = hops * (_slope(one.forward) + _slope(one.backward))
    reach = one.standing.trainable_depth if one.standing else None
    return max(change, len(one.profile) / reach if reach else 0.0)


def _slope(way: Direction) -> float:
    return abs(math.log(way.rate)) if way.rate > 0 and math.isfinite(way.rate) else 0.0
