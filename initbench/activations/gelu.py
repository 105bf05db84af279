"""GELU: the input times the probability that a standard normal lies below it, x · Φ(x).

The exact form uses the error function; `tanh` is the approximation of the paper, which older transformers were
trained with.

Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from initbench.activations import _base


class GELU(_base.PointwiseActivation):
    """x · Φ(x), Φ the distribution function of the standard normal."""

    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {"gelu_tanh": {"approximate": "tanh"}}

    approximate: Literal["none", "tanh"] = Field(default="none", description="the exact form, or the one with tanh")

    def __call__(self, x: Tensor) -> Tensor:
        """The function, exact or approximated."""
        return functional.gelu(x, approximate=self.approximate)
