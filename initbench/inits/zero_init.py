"""ZerO: identities where the width stays or shrinks, Hadamard matrices where it grows, and nothing random.

A layer that does not grow copies its first inputs. One that grows spreads them through the rows and columns of a
Hadamard matrix (entries ±1, scaled to orthonormal columns): padding with zeros instead would hold the rank of the
network at that of its input all through training. Convolutions place the matrix at the center of the kernel, group by
group.

In the paper's residual networks the last layer of each branch and the classifier start at zero; a plain network would
then pass no gradient, so its output layer follows the rule of the others unless ``zero_output`` is set.

Zhao, Schäfer and Anandkumar, "ZerO Initialization: Initializing Neural Networks with only Zeros and Ones", 2022,
algorithms 1 and 2.
"""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from pydantic import Field
from torch import Generator, Tensor

from initbench.inits import _base
from initbench.inits._draw import at_center
from initbench.sites import Site


class ZeroInit(_base.PerWeightInit):
    """Partial identities and Hadamard matrices."""

    formula: ClassVar[str] = "W = I where a layer does not grow, else rows and columns of H / √order, H Hadamard"
    suits: ClassVar[str] = "residual networks, and a start that is the same for every seed"

    zero_output: bool = Field(default=False, description="start the output layer at zero, as the paper's classifier")

    def weight(self, site: Site, _rng: Generator) -> Tensor:
        """Return the matrix, at the center of the kernel for convolutions."""
        if (site.is_output and self.zero_output) or site.ends_branch:
            return torch.zeros(site.shape)
        units = _base.bias_length(site) // site.groups
        inputs = site.fan_in // math.prod(site.shape[2:])
        matrix = _spread(units, inputs)
        stored = matrix.T if site.kind == "conv_transpose" else matrix
        return at_center(stored.repeat(site.groups, 1), site)


def _spread(units: int, inputs: int) -> Tensor:
    """[units, inputs]: the partial identity, or the corner of a Hadamard matrix where units outnumber inputs."""
    if units <= inputs:
        return torch.eye(units, inputs)
    from scipy.linalg import hadamard  # slow to import, and needed by this scheme alone

    order = 2 ** math.ceil(math.log2(units))
    corner = hadamard(order)[:units, :inputs]
    return torch.from_numpy(corner).to(torch.float32) / math.sqrt(order)
