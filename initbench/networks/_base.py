"""What a network is: a recipe for a plain ``nn.Module`` built of standard layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated

from pydantic import Field
from torch import nn

from initbench.activations import Activation
from initbench.component import Component

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
