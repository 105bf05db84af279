"""What a stack is: many networks as one model with a leading replica axis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from initbench.train.trace import Trace


class Stack(ABC):
    """R networks in lock-step.

    Inputs have shape [G, N, *input shape], where G is R, or 1 for a batch that all replicas share; outputs have shape
    [R, N, outputs].
    """

    def __init__(
        self, parameters: dict[str, Tensor], buffers: dict[str, Tensor], dropouts: Sequence[nn.Module] = ()
    ) -> None:
        self.parameters = {name: value.requires_grad_(True) for name, value in parameters.items()}
        self.buffers = buffers
        self._dropouts = tuple(dropouts)
        self.replicas = next(iter(parameters.values())).shape[0]

    @abstractmethod
    def forward(self, x: Tensor, trace: Trace | None = None) -> Tensor:
        """The outputs; ``trace`` is told of each pre-activation and activation in execution order."""

    @abstractmethod
    def set_training(self, training: bool) -> None:
        """Switch normalisation and the like between training and evaluation."""

    @abstractmethod
    def state(self, replica: int) -> dict[str, Tensor]:
        """Parameters and buffers of one replica, named and shaped as in its plain module."""

    @abstractmethod
    def unit_axis(self, weight: str) -> int:
        """The axis of a weight [R, …] along which the units of its layer lie."""

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode without gradients."""
        self.set_training(False)
        try:
            with torch.no_grad():
                yield
        finally:
            self.set_training(True)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Batch statistics as in training, but nothing is dropped, and running statistics are put back at the end.

        Measuring must leave no trace in training: neither in a buffer nor in a stream of random masks.
        """
        saved = {name: value.clone() for name, value in self.buffers.items()}
        for layer in self._dropouts:
            layer.eval()
        try:
            yield
        finally:
            for layer in self._dropouts:
                layer.train()
            for name, value in saved.items():
                self.buffers[name].copy_(value)
