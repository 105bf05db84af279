"""What a network is: a recipe for a plain ``nn.Module`` built of standard layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Annotated, final

from pydantic import Field
from torch import nn

from initbench.activations import Activation
from initbench.component import Component
from initbench.networks._size import Part, Size

DropoutRate = Annotated[float, Field(ge=0, lt=1, description="share of the activations that training drops at random")]


class Network(Component, ABC):
    """An architecture. Layer names do not depend on the depth, so that weights keep their draws when it changes."""

    @abstractmethod
    def build(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> nn.Module:
        """A new module from [N, *input_shape] to [N, outputs].

        Raises
        ------
        ValueError
            The architecture cannot read inputs of this shape; the message says what it needs.
        """

    @abstractmethod
    def parts(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> Iterator[Part]:
        """What ``build`` would build, counted: layers in order, neighbors that are alike as one part.

        It must take no time to speak of, whatever the options: it decides what is refused before it is built.

        Raises
        ------
        ValueError
            As ``build``.
        """

    @final
    def size(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> Size:
        """The sums over all parts. Raises ValueError as ``build`` does."""
        return Size.of(self.parts(input_shape, outputs, activation))


def learned(activation: Activation) -> int:
    """The parameters of an activation's layer."""
    return sum(parameter.numel() for parameter in activation.layer().parameters())
