"""What a dataset is: named tensors in memory, standardised with the statistics of the training split."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from initbench.component import Component

Task = Literal["classification", "regression"]


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


class DatasetError(Exception):
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
        """The samples as they are, before standardisation. Raises DatasetError."""


def standardised(data: Data) -> Data:
    """Inputs with mean 0 and variance 1 over the training split: per channel for images, per feature for vectors.

    The statistics are taken over every axis but axis 1 and applied to both splits. A feature that never varies in the
    training split is centred and left unscaled.
    """
    axes = [axis for axis in range(data.train.x.dim()) if axis != 1]
    train = data.train.x.double()
    mean, std = train.mean(axes, keepdim=True), train.std(axes, correction=0, keepdim=True)
    std = torch.where(std > 0, std, torch.ones_like(std))

    def scaled(split: Split) -> Split:
        return Split(x=((split.x.double() - mean) / std).float().contiguous(), y=split.y)

    return Data(train=scaled(data.train), test=scaled(data.test))
