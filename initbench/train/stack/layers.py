"""Batched layers: each holds the parameters of R plain layers and applies them all at once.

Signals travel in one of two layouts. *Vectors* are [R, N, features]: a linear layer of all replicas is one batched
matrix product. *Images* are [N, R·channels, *space]: a convolution of all replicas is one grouped convolution, and
pooling and batch normalisation are what they were. A batch that all replicas share keeps R = 1 until the first layer
with weights, which reads it without a copy.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from initbench import layers as plain


def stacked(layers: Sequence[nn.Module], name: str) -> Tensor | None:
    """The parameters or buffers called ``name`` of R layers, as one tensor [R, …], or None where they have none."""
    values = [getattr(layer, name) for layer in layers]
    return None if values[0] is None else torch.stack([value.detach() for value in values])


def parameter(value: Tensor | None) -> nn.Parameter | None:
    """The tensor as a trainable leaf."""
    return None if value is None else nn.Parameter(value.contiguous())


class Layer(nn.Module):
    """A batched layer. ``axes`` says where each parameter keeps the axes of the plain layer's (after the replica's)."""

    def plain(self, name: str, value: Tensor) -> Tensor:
        """One replica's parameter as the plain layer shapes it."""
        del name
        return value


class Linear(Layer):
    """Vectors to vectors. The weight is kept as [R, in, out], so that its gradient comes out in its own layout."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.stack([layer.weight.detach().t() for layer in layers]))
        self.bias = parameter(stacked(layers, "bias"))

    def forward(self, x: Tensor) -> Tensor:
        """Give x W + b for each replica; a shared batch [1, N, in] is read R times through a stride of zero."""
        if len(x) < len(self.weight):
            x = x.expand(len(self.weight), -1, -1)
        if self.bias is None:
            return torch.bmm(x, self.weight)
        return torch.baddbmm(self.bias.unsqueeze(1), x, self.weight)

    def plain(self, name: str, value: Tensor) -> Tensor:
        """[in, out] back to [out, in]."""
        return value.t() if name == "weight" else value


class Convolution(Layer):
    """Images to images: the groups of all replicas side by side."""

    def __init__(self, layers: Sequence[nn.Conv1d | nn.Conv2d]) -> None:
        super().__init__()
        first = layers[0]
        self.weight = parameter(stacked(layers, "weight"))
        self.bias = parameter(stacked(layers, "bias"))
        self._channels, self._groups = first.in_channels, first.groups
        self._stride, self._dilation = first.stride, first.dilation
        self._convolve = functional.conv1d if isinstance(first, nn.Conv1d) else functional.conv2d
        self._wraps = first.padding_mode == "circular"
        self._padding = first.padding
        self._margins = first._reversed_padding_repeated_twice

    def forward(self, x: Tensor) -> Tensor:
        """A grouped convolution; a shared image feeds all replicas through an ordinary one."""
        assert self.weight is not None  # noqa: S101
        if self._wraps:
            x = functional.pad(x, self._margins, mode="circular")
        replicas, groups = self.weight.shape[0], self._groups
        shared = x.shape[1] == self._channels
        if shared and groups > 1:
            x = x.repeat(1, replicas, *[1] * (x.dim() - 2))
        groups = 1 if shared and groups == 1 else replicas * groups
        return self._convolve(
            x,
            self.weight.flatten(0, 1),
            None if self.bias is None else self.bias.flatten(),
            stride=self._stride,
            padding=0 if self._wraps else self._padding,
            dilation=self._dilation,
            groups=groups,
        )


class PReLU(Layer):
    """A learned slope for each replica, or for each of its channels."""

    def __init__(self, layers: Sequence[nn.PReLU], images: int | None) -> None:
        super().__init__()
        self.weight = parameter(stacked(layers, "weight"))
        self._channels = images

    def forward(self, x: Tensor) -> Tensor:
        """Give x above zero, slope · x below."""
        assert self.weight is not None  # noqa: S101
        slope = _spread(self.weight, x, self._channels)
        return torch.where(x > 0, x, slope * x)


class Dropout(Layer):
    """Each replica's mask from its own stream, so that it does not depend on the stack around it."""

    def __init__(self, layers: Sequence[plain.Dropout], images: int | None) -> None:
        super().__init__()
        self._layers = tuple(layers)
        self._channels = images

    def forward(self, x: Tensor) -> Tensor:
        """Drop values in training."""
        if not self.training:
            return x
        if self._channels is None:
            return x * torch.stack([layer.mask(x.shape[1:], x) for layer in self._layers])
        samples, _, *space = x.shape
        masks = [layer.mask((samples, self._channels, *space), x) for layer in self._layers]
        shared = x.shape[1] == self._channels
        return (x.repeat(1, len(masks), *[1] * len(space)) if shared else x) * torch.cat(masks, dim=1)


class Scale(Layer):
    """A factor for each replica."""

    def __init__(self, layers: Sequence[plain.Scale], images: int | None) -> None:
        super().__init__()
        self.weight = parameter(stacked(layers, "weight"))
        self._channels = images

    def forward(self, x: Tensor) -> Tensor:
        """Multiply every value of a replica."""
        assert self.weight is not None  # noqa: S101
        return _spread(self.weight, x, self._channels) * x


class Shift(Layer):
    """An offset for each replica."""

    def __init__(self, layers: Sequence[plain.Shift], images: int | None) -> None:
        super().__init__()
        self.bias = parameter(stacked(layers, "bias"))
        self._channels = images

    def forward(self, x: Tensor) -> Tensor:
        """Add to every value of a replica."""
        assert self.bias is not None  # noqa: S101
        return x + _spread(self.bias, x, self._channels)


class Flatten(Layer):
    """Images [N, R·channels, *space] to vectors [R, N, channels·space]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """The features of a replica in the order of the plain module's."""
        replicas = x.shape[1] // self._channels
        return x.reshape(x.shape[0], replicas, -1).transpose(0, 1)


class BatchNorm(Layer):
    """Batch normalisation: replicas are further channels. Vectors pass as [N, R·features]."""

    def __init__(self, layers: Sequence[nn.BatchNorm1d | nn.BatchNorm2d], momentum: float, *, vectors: bool) -> None:
        super().__init__()
        self.weight, self.bias = parameter(stacked(layers, "weight")), parameter(stacked(layers, "bias"))
        self.running_mean: Tensor | None
        self.running_var: Tensor | None
        self.num_batches_tracked: Tensor | None
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, stacked(layers, name))
        self._momentum, self._eps, self._vectors = momentum, layers[0].eps, vectors

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each feature of each replica over the batch, or by its running statistics in evaluation."""
        if not self._vectors:
            return self._normalised(x)
        replicas, samples, features = x.shape
        rows = self._normalised(x.transpose(0, 1).reshape(samples, replicas * features))
        return rows.reshape(samples, replicas, features).transpose(0, 1)

    def _normalised(self, x: Tensor) -> Tensor:
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return functional.batch_norm(
            x,
            _flat(self.running_mean),
            _flat(self.running_var),
            _flat(self.weight),
            _flat(self.bias),
            training=self.training or self.running_mean is None,
            momentum=self._momentum,
            eps=self._eps,
        )


class LayerNorm(Layer):
    """Layer normalisation of vectors over their features."""

    def __init__(self, layers: Sequence[nn.LayerNorm]) -> None:
        super().__init__()
        self.weight, self.bias = parameter(stacked(layers, "weight")), parameter(stacked(layers, "bias"))
        self._shape, self._eps = layers[0].normalized_shape, layers[0].eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each sample of each replica."""
        x = functional.layer_norm(x, self._shape, eps=self._eps)
        if self.weight is not None:
            x = x * self.weight.unsqueeze(1)
        return x if self.bias is None else x + self.bias.unsqueeze(1)


class GroupNorm(Layer):
    """Group normalisation of images: the groups of all replicas side by side."""

    def __init__(self, layers: Sequence[nn.GroupNorm]) -> None:
        super().__init__()
        self.weight, self.bias = parameter(stacked(layers, "weight")), parameter(stacked(layers, "bias"))
        self._groups, self._eps, self._replicas = layers[0].num_groups, layers[0].eps, len(layers)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each group of channels of each replica."""
        return functional.group_norm(x, self._replicas * self._groups, _flat(self.weight), _flat(self.bias), self._eps)


def _spread(value: Tensor, x: Tensor, channels: int | None) -> Tensor:
    """A value [R, 1] for each replica, or [R, units], shaped to meet vectors, or images with so many channels."""
    if channels is None:
        return value.unsqueeze(1)
    return value.expand(-1, channels).reshape(1, -1, *[1] * (x.dim() - 2))


def _flat(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.flatten()
