"""Keras's default: what ``Dense`` and ``Conv2D`` hold when nobody initializes them.

Weights are Glorot uniform, U(±√(6 / (fan_in + fan_out))), and biases zero. It differs from ``xavier`` for grouped
convolutions alone, where Keras counts all filters as fan_out.

Chollet and others, Keras 3, ``keras.initializers.GlorotUniform`` and ``compute_fans``; after Glorot and Bengio,
"Understanding the difficulty of training deep feedforward neural networks", 2010, section 4.2.1.
"""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Generator, Tensor

from initbench.inits import _base, _draw
from initbench.sites import Site


class KerasDefault(_base.PerWeightInit):
    """Glorot uniform weights, zero biases."""

    aliases: ClassVar = {"tf_default": {}}
    formula: ClassVar[str] = "W ~ U(±√(6 / (fan_in + fan_out))), Var(W) = 2 / (fan_in + fan_out), b = 0"
    suits: ClassVar[str] = "a fair comparison with models written in Keras; tanh networks of moderate depth"

    def weight(self, site: Site, rng: Generator) -> Tensor:
        """Draw from U(±√(6 / (fan_in + fan_out)))."""
        # Keras adds the two channel axes of the kernel, whatever the groups.
        both_fans = (site.shape[0] + site.shape[1]) * math.prod(site.shape[2:])
        return _draw.uniform(math.sqrt(6 / both_fans), site.shape, rng)
