"""The slow form of a stack: the plain modules one after another, obviously right and good for any module."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from initbench.layers import Dropout
from initbench.sites import SIGNAL_LAYERS, activation_of
from initbench.train.stack._base import Stack
from initbench.train.trace import Trace


class LoopedStack(Stack):
    """A loop over plain modules; the oracle of the batched form."""

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        parameters = [dict(network.named_parameters()) for network in networks]
        buffers = [dict(network.named_buffers()) for network in networks]
        super().__init__(
            {name: torch.stack([own[name].detach() for own in parameters]) for name in parameters[0]},
            {name: torch.stack([own[name] for own in buffers]) for name in buffers[0]},
            [module for network in networks for module in network.modules() if isinstance(module, Dropout)],
        )
        self._networks = tuple(networks)
        self.set_training(True)

    def forward(self, x: Tensor, trace: Trace | None = None) -> Tensor:
        """The outputs of each network in turn."""
        return torch.stack([self._one(replica, x[min(replica, len(x) - 1)], trace) for replica in range(self.replicas)])

    def set_training(self, training: bool) -> None:
        """Switch the modules' mode."""
        for network in self._networks:
            network.train(training)

    def state(self, replica: int) -> dict[str, Tensor]:
        """The replica's slices."""
        return {name: value[replica] for name, value in {**self.parameters, **self.buffers}.items()}

    def unit_axis(self, weight: str) -> int:
        """Units come first in every plain weight."""
        del weight
        return 1

    def _one(self, replica: int, x: Tensor, trace: Trace | None) -> Tensor:
        network = self._networks[replica]
        with _traced(network, trace):
            outputs: Tensor = functional_call(network, self.state(replica), (x,))
        return outputs


@contextmanager
def _traced(network: nn.Module, trace: Trace | None) -> Iterator[None]:
    """While open, the network's layers tell ``trace`` what they give, with a replica axis of length one in front."""
    handles = []
    if trace is not None:
        handles.append(network.register_forward_pre_hook(lambda _module, _inputs: trace.begin()))
        for name, module in network.named_modules():
            if isinstance(module, SIGNAL_LAYERS):
                handles.append(module.register_forward_hook(_noting_output(partial(trace.preactivation, name))))
            elif activation_of(module) is not None:
                handles.append(module.register_forward_hook(_noting_both(trace.activation)))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _noting_both(note: Callable[[Tensor, Tensor], None]) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
        return _noting_output(partial(note, inputs[0].unsqueeze(0)))(module, inputs, output)

    return hook


def _noting_output(note: Callable[[Tensor], None]) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        # What is noted must lie on the path to the loss, or its gradient could not be asked for.
        noted = output.unsqueeze(0)
        note(noted)
        return noted.squeeze(0)

    return hook
