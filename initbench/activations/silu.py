"""SiLU, also called swish: the input times its own sigmoid.

Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units for Neural Network Function Approximation in Reinforcement
Learning", 2018, section 2; Ramachandran, Zoph and Le, "Searching for Activation Functions", 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor
from torch.nn import functional

from initbench.activations import _base


class SiLU(_base.PointwiseActivation):
    """x · sigmoid(x)."""

    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {"swish": {}}

    def __call__(self, x: Tensor) -> Tensor:
        """The function, x · sigmoid(x)."""
        return functional.silu(x)
