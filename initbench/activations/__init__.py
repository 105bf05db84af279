"""Activation functions, one per file."""

import sys

from initbench.activations._base import Activation, Pointwise, PointwiseActivation
from initbench.component import catalog

ACTIVATIONS = catalog(sys.modules[__name__], Activation)

__all__ = ["ACTIVATIONS", "Activation", "Pointwise", "PointwiseActivation"]
