"""Plain deep convolutional network: a chain of convolutions, then one linear layer.

``depth`` counts weight layers, the output layer included. Every convolution keeps the size of the image up to its
stride (odd kernel, padding kernel // 2). Circular padding treats every position alike, which is the setting of the
mean-field theory (Xiao et al. 2018); zero padding lowers the variance near the border.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from math import ceil
from typing import Literal

from pydantic import Field, PositiveInt, field_validator
from torch import nn

from initbench.activations import Activation
from initbench.layers import Dropout
from initbench.networks import _base
from initbench.networks._base import DropoutRate, learned
from initbench.networks._norm import Norm, needs_bias, norm_layers
from initbench.networks._size import Part, convolution, linear, norm_parameters


class CNN(_base.Network):
    """Convolutions of equal width, then global average pooling or flattening, and a linear classifier."""

    depth: int = Field(default=6, ge=2, description="weight layers, the output layer included")
    channels: PositiveInt = Field(default=16, description="channels of every convolution")
    kernel: PositiveInt = Field(default=3, description="side of the square kernel, an odd number")
    strides: tuple[PositiveInt, ...] = Field(
        default=(2, 2), description="strides of the convolutions from the first on; 1 beyond the end of the list"
    )
    padding: Literal["zeros", "circular"] = Field(default="zeros", description="what lies beyond the border")
    head: Literal["average", "flatten"] = Field(
        default="average", description="how the image becomes a vector: global average pooling, or flattening"
    )
    norm: Norm = Field(default="none", description="normalization between each convolution and its activation")
    dropout: DropoutRate = 0.0

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError("an even kernel has no centre; give an odd number")
        return kernel

    def build(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> nn.Module:
        """Convolutions ``layer1``, ``layer2``, …, the head, and the linear layer ``output``."""
        _check_is_image(input_shape)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        channels, height, width = input_shape
        for index in range(1, self.depth):
            stride = self.strides[index - 1] if index <= len(self.strides) else 1
            margin = self.kernel // 2
            self._check_margin(index, height, width)
            layers[f"layer{index}"] = nn.Conv2d(
                channels,
                self.channels,
                self.kernel,
                stride=stride,
                padding=margin,
                padding_mode=self.padding,
                bias=needs_bias(self.norm),
            )
            layers.update((f"norm{index}", layer) for layer in norm_layers(self.norm, self.channels, image=True))
            layers[f"activation{index}"] = activation.layer()
            if self.dropout:
                layers[f"dropout{index}"] = Dropout(self.dropout)
            channels, height, width = self.channels, ceil(height / stride), ceil(width / stride)
        if self.head == "average":
            layers["pool"] = nn.AdaptiveAvgPool2d(1)
            height = width = 1
        layers["flatten"] = nn.Flatten()
        layers["output"] = nn.Linear(channels * height * width, outputs)
        return nn.Sequential(layers)

    def parts(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> Iterator[Part]:
        """The convolutions that have a stride of their own, the first behind them, the rest, and the output layer."""
        _check_is_image(input_shape)
        channels, height, width = input_shape
        more = norm_parameters(self.norm, self.channels) + learned(activation)
        single = min(self.depth - 1, len(self.strides) + 1)
        for index, stride in enumerate((*self.strides, 1)[:single], start=1):
            self._check_margin(index, height, width)
            height, width = ceil(height / stride), ceil(width / stride)
            taps = channels * self.kernel**2
            yield convolution(taps, self.channels, height * width, bias=needs_bias(self.norm), more=more)
            channels = self.channels
        rest = self.depth - 1 - single
        if rest:
            self._check_margin(single + 1, height, width)
        taps = channels * self.kernel**2
        yield convolution(taps, channels, height * width, bias=needs_bias(self.norm), more=more, count=rest)
        yield linear(channels * (1 if self.head == "average" else height * width), outputs)

    def _check_margin(self, index: int, height: int, width: int) -> None:
        margin = self.kernel // 2
        if self.padding == "circular" and margin > min(height, width):
            raise ValueError(f"layer {index}: circular padding {margin} exceeds the {height}×{width} image")


def _check_is_image(input_shape: tuple[int, ...]) -> None:
    if len(input_shape) != 3:
        raise ValueError(
            f"cnn reads images of shape [channels, height, width], not inputs of shape {list(input_shape)}"
        )
