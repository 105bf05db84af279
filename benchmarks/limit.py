"""The limit: the matrix products and optimizer kernels of a stack's update, with nothing around them.

The layers of all replicas are written out by hand, forward and backward, in buffers that are made beforehand; there is
no autograd graph and no dispatch but of the kernels themselves. ``step`` is a whole update, with activations and loss:
it exists to show that the products are the right ones. ``products`` is what is timed: the same products and Adam's
kernel on the signals where the last ``step`` left them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from initbench.train.stack import Stack, stack


class Layer(ABC):
    """One weight layer of R replicas. ``x`` is its input, ``z`` its output, ``g`` the gradient of z."""

    def __init__(self, weight: Tensor, bias: Tensor, *, first: bool) -> None:
        self.weight, self.bias, self.first = weight, bias, first
        self.weight_gradient, self.bias_gradient = torch.zeros_like(weight), torch.zeros_like(bias)
        self.x = self.z = self.g = self.input_gradient = torch.empty(0)

    @abstractmethod
    def forward(self) -> None:
        """Compute z from x."""

    @abstractmethod
    def backward(self) -> None:
        """Compute the gradient of the weight from g, and that of x unless the layer is the first."""

    @abstractmethod
    def sum_bias(self) -> None:
        """Compute the gradient of the bias from g."""


class Dense(Layer):
    """Batched matrix products over [R, N, features]."""

    def forward(self) -> None:
        """One batched product, the bias added to it."""
        if not len(self.z):
            self.z = self.x.new_empty(*self.x.shape[:2], self.weight.shape[2])
        torch.baddbmm(self.bias.unsqueeze(1), self.x, self.weight, out=self.z)

    def backward(self) -> None:
        """One batched product for the weight, one for x."""
        torch.bmm(self.x.mT, self.g, out=self.weight_gradient)
        if not self.first:
            if not len(self.input_gradient):
                self.input_gradient = torch.empty_like(self.x)
            torch.bmm(self.g, self.weight.mT, out=self.input_gradient)

    def sum_bias(self) -> None:
        """Over the samples."""
        torch.sum(self.g, dim=1, out=self.bias_gradient)


class Convolution(Layer):
    """Grouped convolutions over [N, R·channels, height, width]."""

    def __init__(self, plain: nn.Conv2d, weight: Tensor, bias: Tensor, *, first: bool) -> None:
        super().__init__(weight, bias, first=first)
        self._stride, self._padding = list(plain.stride), [margin // 2 for margin in plain.kernel_size]
        self._rest = ([1, 1], False, [0, 0], len(weight))  # dilation, not transposed, output padding, groups

    def forward(self) -> None:
        """One grouped convolution."""
        weight, bias = self.weight.flatten(0, 1), self.bias.flatten()
        self.z = torch.ops.aten.convolution(self.x, weight, bias, self._stride, self._padding, *self._rest)

    def backward(self) -> None:
        """The two convolutions of its backward pass, in one kernel."""
        weight = self.weight.flatten(0, 1)
        wanted = [not self.first, True, False]
        self.input_gradient, gradient, _ = torch.ops.aten.convolution_backward(
            self.g, self.x, weight, None, self._stride, self._padding, *self._rest, wanted
        )
        self.weight_gradient = gradient.view_as(self.weight)

    def sum_bias(self) -> None:
        """Over samples and positions."""
        self.bias_gradient = self.g.sum(dim=(0, 2, 3)).view_as(self.bias)


class Limit:
    """R networks, chains of linear layers or of convolutions with global average pooling, ReLU in between."""

    def __init__(self, networks: Sequence[nn.Module], sample: Tensor) -> None:
        stacked = stack(networks, sample)
        weighted = [(n, m) for n, m in networks[0].named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
        self._replicas = len(networks)
        self._layers = [_layer(stacked, name, module, first=not i) for i, (name, module) in enumerate(weighted)]
        self._parameters = [value for layer in self._layers for value in (layer.weight, layer.bias)]
        self._means = [torch.zeros_like(value) for value in self._parameters]
        self._squares = [torch.zeros_like(value) for value in self._parameters]
        self._updates = [torch.zeros(()) for _ in self._parameters]

    def step(self, x: Tensor, y: Tensor) -> Tensor:
        """One update on x [R, N, …] and y [R, N]; the mean loss of each replica before it, [R]."""
        first, last = self._layers[0], self._layers[-1]
        first.x = x.flatten(2) if isinstance(first, Dense) else x.transpose(0, 1).flatten(1, 2).contiguous()
        for layer, following in pairwise(self._layers):
            layer.forward()
            following.x = self._activated(layer.z, following)
        last.forward()
        logs = last.z.log_softmax(dim=2)
        last.g = (logs.exp() - nn.functional.one_hot(y, logs.shape[2])) / y.shape[1]
        for layer, before in pairwise(reversed(self._layers)):
            layer.backward()
            before.g = self._gated(layer.input_gradient, before.z)
        first.backward()
        for layer in self._layers:
            layer.sum_bias()
        self._adam()
        losses: Tensor = -logs.gather(2, y.unsqueeze(2)).mean(dim=(1, 2))
        return losses

    def products(self) -> None:
        """The products and the optimizer of one update, on signals that stay as they are."""
        for layer in self._layers:
            layer.forward()
        for layer in reversed(self._layers):
            layer.backward()
        self._adam()

    def _activated(self, z: Tensor, following: Layer) -> Tensor:
        a: Tensor = torch.relu(z)
        if a.dim() == 4 and isinstance(following, Dense):
            pooled: Tensor = a.mean(dim=(2, 3)).unflatten(1, (self._replicas, -1))
            return pooled.transpose(0, 1).contiguous()
        return a

    def _gated(self, gradient: Tensor, z: Tensor) -> Tensor:
        if gradient.dim() < z.dim():
            positions = z.shape[2] * z.shape[3]
            gradient = gradient.transpose(0, 1).flatten(1)[:, :, None, None] / positions
        gated: Tensor = gradient * (z > 0)
        return gated

    def _adam(self) -> None:
        gradients = [value for layer in self._layers for value in (layer.weight_gradient, layer.bias_gradient)]
        torch._foreach_add_(self._updates, 1)
        torch._fused_adam_(
            self._parameters, gradients, self._means, self._squares, [], self._updates,
            lr=0.001, beta1=0.9, beta2=0.999, weight_decay=0.0, eps=1e-8, amsgrad=False, maximize=False,
        )  # fmt: skip


def _layer(stacked: Stack, name: str, plain: nn.Module, *, first: bool) -> Layer:
    weight, bias = (stacked.parameters[f"{name}.{part}"].detach() for part in ("weight", "bias"))
    if isinstance(plain, nn.Conv2d):
        return Convolution(plain, weight, bias, first=first)
    return Dense(weight, bias, first=first)
