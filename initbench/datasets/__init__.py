"""Datasets, one per file."""

import sys

from initbench.component import catalog
from initbench.datasets._base import Data, Dataset, DatasetError, Spec, Split, Task, probe_batch, standardised
from initbench.datasets._download import DownloadError, fetch
from initbench.datasets._folder import data_folder
from initbench.datasets._published import Published, PublishedDataset, Source

DATASETS = catalog(sys.modules[__name__], Dataset)

__all__ = [
    "DATASETS",
    "Data",
    "Dataset",
    "DatasetError",
    "DownloadError",
    "Published",
    "PublishedDataset",
    "Source",
    "Spec",
    "Split",
    "Task",
    "data_folder",
    "fetch",
    "probe_batch",
    "standardised",
]
