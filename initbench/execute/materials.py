"""What stacks train on: datasets loaded and standardized, each with its probe batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from initbench.datasets import Dataset, probe_batch, standardised
from initbench.execute import limits
from initbench.train.material import Material

PROBE_SAMPLES = 32  # a probe costs a forward and a backward pass, and its statistics as much again


def materials(datasets: Iterable[Dataset], data_dir: Path) -> Mapping[str, Material]:
    """These datasets, by label. Raises DatasetError."""
    return {dataset.label: material_of(dataset, data_dir) for dataset in datasets}


def material_of(dataset: Dataset, data_dir: Path) -> Material:
    """A dataset as training wants it: standardized, with its probe batch. Raises DatasetError."""
    spec = dataset.spec(data_dir)
    limits.check_data(dataset, spec)
    data = standardised(dataset.load(data_dir))
    return Material(
        spec=spec,
        train=data.train,
        test=data.test,
        probe=probe_batch(data.train, PROBE_SAMPLES),
    )
