"""The identity: a deep linear network, the case that can be solved by hand. Saxe, McClelland and Ganguli, 2014."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor

from initbench.activations import _base


class Linear(_base.PointwiseActivation):
    """x. It keeps every moment, so all its gains are 1."""

    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {"identity": {}}

    def __call__(self, x: Tensor) -> Tensor:
        """The input itself."""
        return x
