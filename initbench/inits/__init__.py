"""Initialization schemes, one per file."""

import sys

from initbench.component import catalog
from initbench.inits._base import Adjusting, FillContext, Init, PerWeightInit

INITS = catalog(sys.modules[__name__], Init)

__all__ = ["INITS", "Adjusting", "FillContext", "Init", "PerWeightInit"]
