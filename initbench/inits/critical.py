"""Critical initialization: the weight variance at which an activation neither damps nor blows up its gradients.

Mean-field theory divides the plane of σ_w² = fan_in · Var(W) and σ_b² = Var(b) into an ordered phase, where inputs
become alike and gradients vanish, and a chaotic one, where they become unrelated and gradients explode. On the line
between them, χ₁ = σ_w² E[φ'(√q z)²] = 1 at the variance q where the signal settles, a network can be trained at any
depth. For a given bias variance the weight variance is found by quadrature and root finding.

ReLU and its leaky relatives meet the line at σ_b² = 0 only, where the scheme is He's; tanh meets it at every σ_b², at
σ_w² = 1 without biases. An activation that has no critical point at the chosen bias variance is refused. The activation
is the one before the layer; without one (a linear network) σ_w² is 1.

Poole, Lahiri, Raghu, Sohl-Dickstein and Ganguli, "Exponential Expressivity in Deep Neural Networks through Transient
Chaos", 2016, section 2; Schoenholz, Gilmer, Ganguli and Sohl-Dickstein, "Deep Information Propagation", 2017,
section 5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Generator, Tensor, nn

from initbench.activations import Activation
from initbench.component import Component
from initbench.inits import _base
from initbench.inits._conditions import Condition
from initbench.inits._draw import Distribution, draw
from initbench.sites import Site
from initbench.theory import critical_weight_variance


def _without_critical_point(sites: Sequence[Site], scheme: Component) -> str:
    assert isinstance(scheme, Critical)  # noqa: S101 - the condition is its own
    activations = dict.fromkeys(site.activation for site in sites if site.activation)
    return ", ".join(activation.label for activation in activations if scheme.critical_variance(activation) is None)


class Critical(_base.Init):
    """The weight variance of the critical line, at a chosen bias variance."""

    formula: ClassVar[str] = "Var(W) = σ_w² / fan_in with σ_w² E[φ'(√q z)²] = 1, b ~ N(0, bias_variance)"
    suits: ClassVar[str] = "very deep networks of any activation that has a critical point, tanh above all"
    requires: ClassVar = (Condition("activations with a critical point at its bias variance", _without_critical_point),)

    bias_variance: float = Field(default=0.0, ge=0, description="σ_b², the variance of the biases")
    distribution: Distribution = Field(default="normal", description="shape of the distribution; its variance is kept")

    def fill(self, network: nn.Module, context: _base.FillContext) -> None:
        """Draw weights and biases.

        Raises
        ------
        ValueError
            An activation of the network has no critical point at this bias variance.
        """
        activations = {site.activation for site in context.sites}
        variances = {activation: self.weight_variance(activation) for activation in activations}

        def weight(site: Site, rng: Generator) -> Tensor:
            std = math.sqrt(variances[site.activation] / site.fan_in)
            return draw(self.distribution, std=std, shape=site.shape, rng=rng)

        _base.fill_sites(network, context, weight, self._bias)

    def weight_variance(self, activation: Activation | None) -> float:
        """The critical σ_w² of an activation (1 without one). Raises ValueError where there is none."""
        if activation is None:
            return 1.0
        found = self.critical_variance(activation)
        if found is None:
            raise ValueError(f"{activation.label} has no critical point at bias_variance {self.bias_variance}")
        return found

    def critical_variance(self, activation: Activation) -> float | None:
        """The critical σ_w² of an activation, or None where there is none."""
        return critical_weight_variance(activation.values, activation.slopes, self.bias_variance)

    def _bias(self, site: Site, rng: Generator) -> Tensor:
        return torch.randn(_base.bias_length(site), generator=rng) * math.sqrt(self.bias_variance)
