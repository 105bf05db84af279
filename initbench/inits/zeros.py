"""Zero initialization: no signal and no gradient, the network that cannot start.

With all weights at zero every hidden layer passes zeros on, and no gradient reaches the layers below the output: only
the output's bias learns, up to the frequencies of the classes.

Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 8.4 (breaking the symmetry between units).
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.sites import Site


class Zeros(_base.PerWeightInit):
    """Zero for every weight."""

    formula: ClassVar[str] = "W = 0"
    suits: ClassVar[str] = "a demonstration, and the loss of a network that knows nothing: ln(classes)"

    def weight(self, site: Site, _rng: Generator) -> Tensor:
        """Return zeros."""
        return torch.zeros(site.shape)
