"""Datasets, one per file."""

import sys

from initbench.component import catalog
from initbench.datasets._base import Data, Dataset, DatasetError, Spec, Split, Task, probe_batch, standardised

DATASETS = catalog(sys.modules[__name__], Dataset)

__all__ = ["DATASETS", "Data", "Dataset", "DatasetError", "Spec", "Split", "Task", "probe_batch", "standardised"]
