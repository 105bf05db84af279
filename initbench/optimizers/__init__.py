"""Optimizers, one per file."""

import sys

from initbench.component import catalog
from initbench.optimizers._base import Optimizer, bare_update

OPTIMIZERS = catalog(sys.modules[__name__], Optimizer)

__all__ = ["OPTIMIZERS", "Optimizer", "bare_update"]
