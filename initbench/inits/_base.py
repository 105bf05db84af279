"""What an init scheme is: something that fills a network before training, usually one weight at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor, nn

from initbench.component import Component
from initbench.inits._conditions import Condition
from initbench.seeding import generator
from initbench.sites import Site

Draw = Callable[[Site, Generator], Tensor]


@dataclass(frozen=True)
class FillContext:
    """What a scheme may use beside the network: the seed, the sites in execution order, and a batch of real inputs.

    ``batch`` is the probe batch of the dataset, [N, *input shape], shuffled and standardised; it never touches the
    training stream.
    """

    seed: int
    sites: tuple[Site, ...]
    batch: Tensor


class Init(Component, ABC):
    """A weight initialization scheme."""

    formula: ClassVar[str]
    """The law in one line, for instance ``Var(W) = 2 / fan_in``."""
    suits: ClassVar[str]
    """When to use it, in one sentence."""
    requires: ClassVar[tuple[Condition, ...]] = ()
    """What a network must have, or the scheme is refused."""
    assumes: ClassVar[tuple[Condition, ...]] = ()
    """What the scheme was derived for; a network without it earns a word of warning."""
    draws_independently: ClassVar[bool] = True
    """Whether weights and biases are independent of each other, as mean-field predictions take them to be."""

    @abstractmethod
    def fill(self, network: nn.Module, context: FillContext) -> None:
        """Set the parameters of ``network`` in place, drawing from ``context.seed`` alone."""

    def refusal(self, sites: Sequence[Site]) -> str | None:
        """Why the scheme cannot fill a network with these sites, or None if it can."""
        return next((f"{self.label} needs {text}" for text in self._unmet(self.requires, sites)), None)

    def concerns(self, sites: Sequence[Site]) -> tuple[str, ...]:
        """What the scheme assumes and these sites do not meet, a sentence each."""
        return tuple(f"{self.label} assumes {text}" for text in self._unmet(self.assumes, sites))

    def is_pointless(self, sites: Sequence[Site]) -> bool:
        """Whether nothing in these sites is what the scheme was made for."""
        return any(self._unmet([condition for condition in self.assumes if condition.pointless], sites))

    def _unmet(self, conditions: Sequence[Condition], sites: Sequence[Site]) -> Iterator[str]:
        for condition in conditions:
            found = condition.found(sites, self)
            if found:
                yield f"{condition.text}, found {found}"


class PerWeightInit(Init, ABC):
    """A scheme that draws each weight by itself and leaves biases at zero."""

    @abstractmethod
    def weight(self, site: Site, rng: Generator) -> Tensor:
        """A weight of shape ``site.shape``."""

    def fill(self, network: nn.Module, context: FillContext) -> None:
        """Draw every weight with a generator keyed by its name; set every bias to zero."""
        fill_sites(network, context, self.weight, zero_bias)


class Adjusting(ABC):
    """A scheme that keeps a hand on the weights for a while: it re-scales them before some of the first updates."""

    @abstractmethod
    def adjusts_at(self, step: int) -> bool:
        """Whether weights are re-scaled after ``step`` updates."""

    @abstractmethod
    def factors(self, statistics: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """The factor on each layer's weights, [layers], from the columns of the ``layers`` table, [layers] each."""


def fill_sites(network: nn.Module, context: FillContext, weight: Draw, bias: Draw) -> None:
    """Set the weight and bias of every site, each from a generator keyed by the parameter's name."""
    with torch.no_grad():
        for site in context.sites:
            drawn = {site.weight: weight, **({site.bias: bias} if site.bias else {})}
            for name, draw in drawn.items():
                network.get_parameter(name).copy_(draw(site, generator(context.seed, "weight", name)))


def zero_bias(site: Site, _rng: Generator) -> Tensor:
    """Biases at zero, the choice of every scheme that does not say otherwise."""
    return torch.zeros(bias_length(site))


def bias_length(site: Site) -> int:
    """The number of output units, which is the length of the bias."""
    return site.shape[1] * site.groups if site.kind == "conv_transpose" else site.shape[0]
