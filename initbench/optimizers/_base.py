"""What an optimizer is: the options of one class of ``torch.optim``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Annotated

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
        """A torch optimizer over ``parameters``, on the fastest kernels that torch has for the rule."""
