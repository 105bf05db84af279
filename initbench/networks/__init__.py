"""Network architectures, one per file."""

import sys

from initbench.component import catalog
from initbench.networks._base import Network
from initbench.networks._size import Size

NETWORKS = catalog(sys.modules[__name__], Network)

__all__ = ["NETWORKS", "Network", "Size"]
