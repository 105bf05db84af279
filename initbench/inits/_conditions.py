"""What schemes count on in a network, in words for people and as a test of its sites."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from initbench.component import Component
from initbench.sites import Site


@dataclass(frozen=True)
class Condition:
    """Something to hold in a network. ``text`` completes "needs …"; ``found`` says what is there instead, or "".

    What a scheme needs may depend on its options, so ``found`` is given the scheme beside the sites. A scheme is
    ``pointless`` where the condition does not hold if there is nothing for what sets it apart to act on.
    """

    text: str
    found: Callable[[Sequence[Site], Component], str]
    pointless: bool = False


def activations(*names: str) -> Condition:
    """Every activation is one of these."""

    def others(sites: Sequence[Site], _scheme: Component) -> str:
        used = {site.before.component_name() for site in sites if site.before}
        return ", ".join(sorted(used - set(names)))

    *most, last = names
    return Condition(f"the activation {', '.join(most) + ' or ' if most else ''}{last}", others)


def _no_branches(sites: Sequence[Site], _scheme: Component) -> str:
    return "" if any(site.branch for site in sites) else "none"


def _no_multipliers(sites: Sequence[Site], _scheme: Component) -> str:
    return "none" if any(site.branch and site.branch.multiplier is None for site in sites) else ""


def _normalization(sites: Sequence[Site], _scheme: Component) -> str:
    return "some" if any(site.normalized for site in sites) else ""


def _no_convolutions(sites: Sequence[Site], _scheme: Component) -> str:
    return "" if any(site.kind != "linear" for site in sites) else "none"


def few_layers(most: int) -> Condition:
    """The network is no deeper than this."""
    return Condition(f"at most {most} weight layers", lambda sites, _: str(len(sites)) if len(sites) > most else "")


RECTIFIERS = activations("relu", "leaky_relu", "prelu")
BRANCHES = Condition("residual branches (network: resnet)", _no_branches)
MULTIPLIERS = Condition("a trained factor on each branch (network: 'resnet[multipliers=true]')", _no_multipliers)
CONVOLUTIONS = Condition("convolutions (network: cnn)", _no_convolutions, pointless=True)
NO_NORMALIZATION = Condition("no normalization layers", _normalization)
