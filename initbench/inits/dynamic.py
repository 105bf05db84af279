"""Dynamic initialization: Kaiming uniform weights times a factor, re-scaled during the first steps of training.

In the static form (``updates`` 0) the factor f alone decides: the second moment of the signal grows by f² in every ReLU
layer. 1.5 makes 2.25 a layer, which a network of few layers can bear and which speeds up its first steps.

In the dynamic form the variance of each layer is measured on the probe batch before each of the first updates, and
layers outside of the tolerance are scaled onto their target. With m_l = √(target / variance of layer l), the weights of
layer l take the factor m_l / m_{l-1}: the layer below has been scaled as well, and passes its factor on. That is exact
for a chain of layers with ReLU; other activations come within the tolerance from the first layer on, a few updates for
each. With ``signal``
gradient it is the gradients of the hidden layers that are brought to the variance of the last hidden one. The output
layer is left as drawn, except that gradients flow through it.

After He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", 2015, section 2.2, whose variance the factor multiplies,
and Mishkin and Matas, "All You Need Is a Good Init", 2016, section 2, which re-scales before training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._draw import draw
from initbench.sites import Site


class Dynamic(_base.PerWeightInit, _base.Adjusting):
    """Uniform weights of variance 2 factor² / fan_in, and a hand on them for a while."""

    formula: ClassVar[str] = "W ~ factor · U(±√(6 / fan_in)), Var(W) = 2 factor² / fan_in; then W ← W m_l / m_{l-1}"
    suits: ClassVar[str] = "shallow ReLU networks in the static form; plain networks of any depth in the dynamic one"

    factor: float = Field(default=1.5, gt=0, description="factor on the Kaiming uniform weights")
    updates: int = Field(default=0, ge=0, description="updates during which layers are re-scaled; 0: the static form")
    every: int = Field(default=1, ge=1, description="updates from one re-scaling to the next")
    signal: Literal["activation", "gradient"] = Field(default="activation", description="whose variance is held")
    target: float = Field(default=1.0, gt=0, description="activation variance of every hidden layer")
    tolerance: float = Field(default=0.1, gt=0, description="relative deviation up to which a layer is left alone")

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw with standard deviation factor √2 / √fan_in (for ReLU)."""
        std = self.factor * site.rectifier_gain / math.sqrt(site.fan_in)
        return draw("uniform", std=std, shape=site.shape, rng=rng)

    def adjusts_at(self, step: int) -> bool:
        """Before the first ``updates`` updates, at every ``every``-th."""
        return step < self.updates and step % self.every == 0

    def factors(self, statistics: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """The factor on each layer's weights, [layers]."""
        factors = np.ones_like(statistics["activation_variance"])
        if self.signal == "activation":
            scales = self._scales(statistics["activation_variance"][:-1], self.target)
            factors[:-1] = scales / np.concatenate([[1.0], scales[:-1]])
        elif len(factors) > 2:
            hidden = statistics["grad_variance"][:-1]
            scales = self._scales(hidden, hidden[-1])
            factors[1:-1] = scales[:-1] / scales[1:]  # the gradient of layer l comes through the weights of layer l + 1
        return factors

    def _scales(self, variances: NDArray[np.float64], target: float) -> NDArray[np.float64]:
        """√(target / variance) outside of the tolerance; 1 within it, and where a layer is silent or out of bounds."""
        usable = np.isfinite(variances) & (variances > 0)
        held = np.where(usable, variances, target)
        return np.where(np.abs(held / target - 1) > self.tolerance, np.sqrt(target / held), 1.0)
