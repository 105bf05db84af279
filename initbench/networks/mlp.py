"""Multilayer perceptron: linear layers with an activation between them.

``depth`` counts weight layers, the output layer included, as in the "30-layer" networks of He et al. 2015; a network of
depth d and width w is input → w → … → w → outputs with d − 1 hidden layers. ``hidden`` lists the widths instead.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import chain, groupby, repeat
from math import prod
from typing import Any

from pydantic import Field, PositiveInt, model_validator
from torch import nn

from initbench.activations import Activation
from initbench.layers import Dropout
from initbench.networks import _base
from initbench.networks._base import DropoutRate, learned
from initbench.networks._norm import Norm, needs_bias, norm_layers
from initbench.networks._size import Part, linear, norm_parameters

DEFAULT_DEPTH = 5
DEFAULT_WIDTH = 128


class MLP(_base.Network):
    """A chain of linear layers, given by depth and width, or by the widths of its hidden layers."""

    depth: PositiveInt | None = Field(
        default=None,
        description=f"weight layers, the output layer included ({DEFAULT_DEPTH} unless hidden is given)",
    )
    width: PositiveInt | None = Field(
        default=None, description=f"units of each hidden layer ({DEFAULT_WIDTH} unless hidden is given)"
    )
    hidden: tuple[PositiveInt, ...] | None = Field(
        default=None, description="units of the hidden layers one by one, instead of depth and width"
    )
    norm: Norm = Field(default="none", description="normalization between each hidden layer and its activation")
    dropout: DropoutRate = 0.0

    @model_validator(mode="before")
    @classmethod
    def _one_way_to_say_it(cls, options: dict[str, Any]) -> dict[str, Any]:
        if options.get("hidden") is None:
            given = {key: value for key, value in options.items() if value is not None}
            return {"depth": DEFAULT_DEPTH, "width": DEFAULT_WIDTH, **given}
        if options.get("depth") is not None or options.get("width") is not None:
            raise ValueError("give either hidden, or depth and width, not both")
        return options

    @property
    def widths(self) -> Iterator[int]:
        """The units of each hidden layer."""
        return chain.from_iterable(repeat(width, count) for width, count in self._runs)

    @property
    def _runs(self) -> tuple[tuple[int, int], ...]:
        """Widths of hidden layers, each with the number of neighbors that have it."""
        if self.hidden is not None:
            return tuple((width, len(list(alike))) for width, alike in groupby(self.hidden))
        assert self.depth is not None  # noqa: S101 - the validator fills both
        assert self.width is not None  # noqa: S101
        return ((self.width, self.depth - 1),) if self.depth > 1 else ()

    def build(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> nn.Module:
        """Flatten, then linear layers ``layer1``, ``layer2``, … with what follows each, and ``output``."""
        layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
        fan_in = prod(input_shape)
        for index, width in enumerate(self.widths, start=1):
            layers[f"layer{index}"] = nn.Linear(fan_in, width, bias=needs_bias(self.norm))
            layers.update((f"norm{index}", layer) for layer in norm_layers(self.norm, width, image=False))
            layers[f"activation{index}"] = activation.layer()
            if self.dropout:
                layers[f"dropout{index}"] = Dropout(self.dropout)
            fan_in = width
        layers["output"] = nn.Linear(fan_in, outputs)
        return nn.Sequential(layers)

    def parts(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> Iterator[Part]:
        """The first layer of each width, those that follow it, and the output layer."""
        fan_in = prod(input_shape)
        for width, count in self._runs:
            more = norm_parameters(self.norm, width) + learned(activation)
            yield linear(fan_in, width, bias=needs_bias(self.norm), more=more)
            yield linear(width, width, bias=needs_bias(self.norm), more=more, count=count - 1)
            fan_in = width
        yield linear(fan_in, outputs)
