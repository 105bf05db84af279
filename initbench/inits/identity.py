"""Identity initialization: every layer hands its input on, as far as its shape allows.

Square linear layers start as gain · I. Rectangular ones copy the first min(fan_in, units) inputs and drop or zero the
rest. Convolutions start as a Dirac kernel, one at the center of the matching channel, group by group.

Le, Jaitly and Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", 2015, section 2; for
convolutions Zagoruyko and Komodakis, "DiracNets", 2017, section 2.1.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from initbench.inits import _base
from initbench.inits._draw import Gain
from initbench.sites import Site


class Identity(_base.PerWeightInit):
    """The identity map, times the gain."""

    aliases: ClassVar = {"dirac": {}}
    formula: ClassVar[str] = "W = gain I"
    suits: ClassVar[str] = "square layers of recurrent, linear and very deep ReLU networks"

    gain: Gain = 1.0

    def weight(self, site: Site, _rng: Generator) -> Tensor:
        """Return the identity, or Dirac kernels."""
        if site.kind == "linear":
            return self.gain * torch.eye(*site.shape)
        return self.gain * nn.init.dirac_(torch.empty(site.shape), groups=site.groups)
