"""What a dataset is: named tensors in memory, standardised with the statistics of the training split."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initbench.component import Component
from initbench.errors import InitbenchError
from initbench.seeding import generator

Task = Literal["classification", "regression"]

BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Spec:
    """What can be known of a dataset without loading it.

    ``outputs`` is the number of classes, or of target values in a regression; ``target_loss`` the training loss that
    counts as "trained" when a config names no target.
    """

    input_shape: tuple[int, ...]
    outputs: int
    task: Task
    train_samples: int
    target_loss: float


@dataclass(frozen=True)
class Split:
    """Inputs ``x`` [N, *input shape] in float32, and ``y``: class numbers [N] in int64, or values [N, outputs]."""

    x: Tensor
    y: Tensor


@dataclass(frozen=True)
class Data:
    """The two splits of a dataset."""

    train: Split
    test: Split


class DatasetError(InitbenchError):
    """The data is missing, damaged or of the wrong form; the message says which file and what to do."""


class Dataset(Component, ABC):
    """A source of training and test samples. ``data_dir`` is where downloaded datasets lie."""

    @abstractmethod
    def spec(self, data_dir: Path) -> Spec:
        """Shapes and counts, without loading the samples where that can be helped. Raises DatasetError."""

    @abstractmethod
    def fingerprint(self, data_dir: Path) -> str:
        """A text that changes when, and only when, the samples do: part of every trial's id. Raises DatasetError."""

    @abstractmethod
    def load(self, data_dir: Path) -> Data:
        """The samples as they are, before standardization; tensors of their own memory. Raises DatasetError."""


def standardised(data: Data) -> Data:
    """Inputs, and the targets of a regression, with mean 0 and variance 1 over the training split.

    The statistics are per channel for images and per feature for vectors: they are taken over every axis but axis 1 of
    the training split and applied to both splits. What never varies there is centered and left unscaled.
    """
    inputs = _Scale.of(data.train.x)
    targets = _Scale.of(data.train.y) if data.train.y.is_floating_point() else None

    def scaled(split: Split) -> Split:
        return Split(x=inputs.apply(split.x), y=targets.apply(split.y) if targets else split.y)

    return Data(train=scaled(data.train), test=scaled(data.test))


def probe_batch(split: Split, size: int) -> Split:
    """``size`` samples of a split (all of them if it has fewer), shuffled: the same ones for every trial.

    The draw has a stream of its own, so that probing never touches the order of the training batches.
    """
    order = torch.randperm(len(split.x), generator=generator(0, "probe"))[:size]
    return Split(x=split.x[order], y=split.y[order])


@dataclass(frozen=True)
class _Scale:
    """Mean and standard deviation along axis 1, in float64.

    The arithmetic is NumPy's, which is not threaded: the result does not depend on how many threads torch has. It goes
    by blocks of rows, so that a float64 copy of the whole data never exists.
    """

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def of(cls, train: Tensor) -> _Scale:
        values = train.numpy()
        axes = tuple(axis for axis in range(values.ndim) if axis != 1)
        mean = values.mean(axes, dtype=np.float64, keepdims=True)
        deviations = sum(np.square(block - mean).sum(axes, keepdims=True) for block in _blocks(values))
        std = np.sqrt(deviations * (mean.size / values.size))
        varies = values.max(axes, keepdims=True) > values.min(axes, keepdims=True)  # exact, which std > 0 is not
        return cls(mean, np.where(varies, std, 1.0))

    def apply(self, tensor: Tensor) -> Tensor:
        scaled = np.empty(tensor.shape, np.float32)
        for source, target in zip(_blocks(tensor.numpy()), _blocks(scaled), strict=True):
            target[:] = (source - self.mean) / self.std
        return torch.from_numpy(scaled)


def _blocks(values: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    return (values[start : start + BLOCK_ROWS] for start in range(0, len(values), BLOCK_ROWS))
