"""What schemes for residual networks share: a plain scheme's weights, scaled by their place in a branch."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor, nn

from initbench.inits import _base
from initbench.inits._draw import Distribution, draw
from initbench.sites import Site


def fill_branches(
    init: _base.Init, network: nn.Module, context: _base.FillContext, weight: _base.Draw, multiplier: float
) -> None:
    """Draw every weight, zero every bias, and set the trained factor of each branch, where it has one.

    Raises
    ------
    ValueError
        The network lacks something that the scheme requires.
    """
    refusal = init.refusal(context.sites)
    if refusal is not None:
        raise ValueError(refusal)
    _base.fill_sites(network, context, weight, _base.zero_bias)
    with torch.no_grad():
        for site in context.sites:
            if site.branch is not None and site.branch.multiplier is not None:
                network.get_parameter(site.branch.multiplier).fill_(multiplier)


def he_times(factor: Callable[[Site], float], distribution: Distribution) -> _base.Draw:
    """He's weights times a factor of the site; zeros where it is zero."""

    def weight(site: Site, rng: Generator) -> Tensor:
        std = site.rectifier_gain / math.sqrt(site.fan_in) * factor(site)
        return draw(distribution, std=std, shape=site.shape, rng=rng) if std else torch.zeros(site.shape)

    return weight
