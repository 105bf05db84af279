"""What an optimizer is: an update rule with its options."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from initbench.component import Component

Rate = Annotated[float, Field(gt=0, description="learning rate before the schedule's factor")]
Fraction = Annotated[float, Field(ge=0, lt=1)]
Betas = Annotated[
    tuple[Fraction, Fraction], Field(description="decay of the running means of the gradient and of its square")
]
Epsilon = Annotated[float, Field(ge=0, description="added to the divisor")]


class Optimizer(Component, ABC):
    """An update rule. Weight decay is a field of the recipe, because every rule takes it in the same place."""

    lr: Rate

    @abstractmethod
    def build(self, parameters: Iterable[Tensor], weight_decay: float) -> torch.optim.Optimizer:
        """A torch optimizer over ``parameters``, on the fastest kernels that there are for the rule."""


class TorchOptimizer(Optimizer, ABC):
    """A rule of ``torch.optim``; the component's options are the rule's, by the same names."""

    rule: ClassVar[type[torch.optim.Optimizer]]
    fused_on: ClassVar[frozenset[str]] = frozenset({"cpu", "cuda", "mps"})
    """Devices with a fused kernel for it; elsewhere each operation takes all parameters at once."""

    def build(self, parameters: Iterable[Tensor], weight_decay: float) -> torch.optim.Optimizer:
        """The rule, on its fused kernel where there is one."""
        trained = list(parameters)
        kernel = "fused" if {parameter.device.type for parameter in trained} <= self.fused_on else "foreach"
        options: dict[str, Any] = {**self.options(), "weight_decay": weight_decay, kernel: True}
        return self.rule(trained, **options)


def bare_update(optimizer: torch.optim.Optimizer) -> Callable[[], None]:
    """The optimizer's step, after which gradients are forgotten, without what ``torch.optim`` wraps around both.

    Those wrappers, for hooks, profiling and compilation, import the whole compiler to ask whether it is at work: 1.3 s
    of processor time and 75 MB in every worker, and some 70 µs in every step. The arithmetic is the step's own.
    """
    step = inspect.unwrap(type(optimizer).step)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]

    def update() -> None:
        with torch.no_grad():
            step(optimizer)
        for parameter in parameters:
            parameter.grad = None

    return update


def _spare_the_compiler() -> None:
    """Let optimizers be made without importing the compiler, for the reason above.

    ``torch._disable_dynamo`` keeps what it found on the function that it wraps; found there, the function itself
    serves. A version of torch that keeps it elsewhere is not disturbed, and pays for the import.
    """
    for method in (torch.optim.Optimizer.add_param_group, torch.optim.Optimizer.zero_grad):
        function = inspect.unwrap(method)
        function.__dict__.setdefault("__dynamo_disable", function)


_spare_the_compiler()
