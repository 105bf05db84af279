"""Residual network: a stem, blocks that add what their branch makes of the signal to the signal, an output layer.

``depth`` counts weight layers as elsewhere: one in the stem, ``branch`` in each block, one at the output, so that a
network of depth d has L = (d - 2) / branch blocks. Images pass through 3×3 convolutions of equal width, everything else
through linear layers. In the order ``pre`` a branch is (norm, activation, layer) × branch, and one more norm and
activation stand before the output; in the order ``post`` it is (layer, norm) × branch with activations between, and one
behind the sum. Nothing else lies on the way of the signal, so that schemes are compared on branches alone: there are no
projections, and average pooling halves the image between stages. Dropout acts before the last layer of each branch.

``multipliers`` adds what Fixup trains besides: a factor at the end of each branch, 1 at first, and an offset, 0 at
first, before each weight layer and each activation, which takes the place of the layers' own biases.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2016, and "Identity Mappings in Deep Residual
Networks", 2016, for the two orders; Zhang, Dauphin and Ma, "Fixup Initialization", 2019, section 3, for multipliers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import Literal, Self

from pydantic import Field, PositiveInt, model_validator
from torch import nn

from initbench.activations import Activation
from initbench.layers import Dropout, ResidualBlock, Scale, Shift
from initbench.networks import _base
from initbench.networks._base import DropoutRate, learned
from initbench.networks._norm import Norm, needs_bias, norm_layers
from initbench.networks._size import Part, convolution, linear, norm_parameters

Layers = OrderedDict[str, nn.Module]

STEM_AND_OUTPUT = 2


class ResNet(_base.Network):
    """Residual blocks of equal width, on vectors or images."""

    depth: PositiveInt = Field(
        default=10, description="weight layers, stem and output layer included: 2 + branch for each block"
    )
    branch: PositiveInt = Field(default=2, description="weight layers of each residual branch")
    kind: Literal["dense", "conv"] | None = Field(
        default=None, description="linear layers or convolutions (by default convolutions for images)"
    )
    width: PositiveInt = Field(default=128, description="units of every linear layer")
    channels: PositiveInt = Field(default=16, description="channels of every convolution")
    stride: PositiveInt = Field(default=2, description="stride of the first convolution")
    stages: PositiveInt = Field(
        default=1, description="groups of blocks on images; average pooling halves the image between them"
    )
    order: Literal["pre", "post"] = Field(
        default="pre", description="activation before each layer of a branch, or behind each, the last behind the sum"
    )
    norm: Norm = Field(default="none", description="normalization beside each activation")
    multipliers: bool = Field(default=False, description="a trained factor for each branch, and scalar biases")
    dropout: DropoutRate = 0.0

    @model_validator(mode="after")
    def _whole_blocks(self) -> Self:
        layers, rest = self.depth - STEM_AND_OUTPUT, (self.depth - STEM_AND_OUTPUT) % self.branch
        if layers < self.branch or rest:
            below = max(self.depth - rest, STEM_AND_OUTPUT + self.branch)
            near = f"{below} or {below + self.branch}" if layers >= self.branch else str(below)
            raise ValueError(
                f"depth {self.depth} is no stem, branches of {self.branch} layers and an output; give depth {near}"
            )
        if self.stages > self.blocks:
            raise ValueError(f"{self.stages} stages need as many blocks, and depth {self.depth} has {self.blocks}")
        return self

    @property
    def blocks(self) -> int:
        """The number of residual branches."""
        return (self.depth - STEM_AND_OUTPUT) // self.branch

    def build(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> nn.Module:
        """The layer ``stem``, then ``block1``, ``block2``, … with ``branch.layer1``, …, and the layer ``output``."""
        kind = self._kind_for(input_shape)
        parts = _Parts(self, activation, image=kind == "conv")
        layers: Layers = OrderedDict()
        if kind == "conv":
            layers["stem"] = parts.convolution(input_shape[0], self.stride)
            ends = self._stage_ends(min(input_shape[1:]))
        else:
            layers["flatten"] = nn.Flatten()
            layers["stem"] = nn.Linear(prod(input_shape), self.width, bias=parts.biased)
            ends = frozenset()
        if self.order == "post":
            layers |= parts.activated("_stem")
        for index in range(1, self.blocks + 1):
            layers[f"block{index}"] = ResidualBlock(nn.Sequential(parts.branch()))
            if self.order == "post":
                layers[f"activation{index}"] = activation.layer()
            if index in ends:
                layers[f"pool{index}"] = nn.AvgPool2d(2)
        if self.order == "pre":
            layers |= parts.activated("_output")
        if kind == "conv":
            layers |= {"average": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
        if self.multipliers:
            layers["shift_output"] = Shift()
        layers["output"] = nn.Linear(self.channels if kind == "conv" else self.width, outputs)
        return nn.Sequential(layers)

    def parts(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> Iterator[Part]:
        """The stem, the layers of each stage's blocks, and the output layer with what stands before it."""
        image = self._kind_for(input_shape) == "conv"
        features = self.channels if image else self.width
        biased = needs_bias(self.norm) and not self.multipliers
        norm = norm_parameters(self.norm, features)
        activated = norm + self.multipliers + learned(activation)
        behind_stem, before_output = (activated, 0) if self.order == "post" else (0, activated)
        if image:
            height, width = (-(-side // self.stride) for side in input_shape[1:])
            yield convolution(9 * input_shape[0], features, height * width, bias=biased, more=behind_stem)
        else:
            yield linear(prod(input_shape), features, bias=biased, more=behind_stem)
        inner = self.branch * (activated + self.multipliers) + self.multipliers  # of one branch, its layers aside
        if self.order == "post":  # an activation less within, one behind the sum; norm and offset at the end
            inner += norm + self.multipliers - activated + learned(activation)
        yield Part(self.blocks, inner, 0, 0)
        ends = [0, *sorted(self._stage_ends(min(input_shape[1:])) if image else ()), self.blocks]
        for first, end in pairwise(ends):
            count = (end - first) * self.branch
            if image:
                yield convolution(9 * features, features, height * width, bias=biased, count=count)
                height, width = height // 2, width // 2
            else:
                yield linear(features, features, bias=biased, count=count)
        yield linear(features, outputs, more=before_output + self.multipliers)

    def _kind_for(self, input_shape: tuple[int, ...]) -> str:
        kind = self.kind or ("conv" if len(input_shape) == 3 else "dense")
        if kind == "conv" and len(input_shape) != 3:
            raise ValueError(
                f"resnet[kind=conv] reads images of shape [channels, height, width], not {list(input_shape)}"
            )
        return kind

    def _stage_ends(self, side: int) -> frozenset[int]:
        """The blocks behind which the image is halved."""
        side = -(-side // self.stride)
        if side.bit_length() < self.stages:
            raise ValueError(f"{self.stages} stages halve an image of side {side} more often than it can be")
        return frozenset(self.blocks * stage // self.stages for stage in range(1, self.stages))


class _Parts:
    """What a residual network is put together from, for one kind of layer."""

    def __init__(self, network: ResNet, activation: Activation, *, image: bool) -> None:
        self._network, self._activation, self._image = network, activation, image
        self.biased = needs_bias(network.norm) and not network.multipliers

    def convolution(self, inputs: int, stride: int = 1) -> nn.Module:
        return nn.Conv2d(inputs, self._network.channels, 3, stride=stride, padding=1, bias=self.biased)

    def activated(self, suffix: str) -> Layers:
        """Norm, offset and activation, each where wanted, with this end to their names."""
        layers: Layers = OrderedDict((f"norm{suffix}", layer) for layer in self._norm_layers())
        if self._network.multipliers:
            layers[f"offset{suffix}"] = Shift()
        layers[f"activation{suffix}"] = self._activation.layer()
        return layers

    def branch(self) -> Layers:
        """The layers of one branch in order."""
        network = self._network
        layers: Layers = OrderedDict()
        for index in range(1, network.branch + 1):
            if network.order == "pre" or index > 1:
                layers |= self.activated(str(index))
            if network.dropout and index == network.branch:
                layers["dropout"] = Dropout(network.dropout)
            if network.multipliers:
                layers[f"shift{index}"] = Shift()
            layers[f"layer{index}"] = self._layer()
        if network.order == "post":
            layers.update(("norm", layer) for layer in self._norm_layers())
        if network.multipliers:
            layers["scale"] = Scale()
            if network.order == "post":
                layers["offset"] = Shift()
        return layers

    def _layer(self) -> nn.Module:
        width = self._network.width
        if self._image:
            return self.convolution(self._network.channels)
        return nn.Linear(width, width, bias=self.biased)

    def _norm_layers(self) -> tuple[nn.Module, ...]:
        features = self._network.channels if self._image else self._network.width
        return norm_layers(self._network.norm, features, image=self._image)
