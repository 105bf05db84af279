"""Learning rate schedules, one per file."""

import sys

from initbench.component import catalog
from initbench.schedules._base import Schedule

SCHEDULES = catalog(sys.modules[__name__], Schedule)

__all__ = ["SCHEDULES", "Schedule"]
