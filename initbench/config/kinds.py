"""The kinds of component that a config names: the catalog of each, and what an absent key stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from initbench.activations import ACTIVATIONS
from initbench.component import Catalog
from initbench.datasets import DATASETS
from initbench.inits import INITS
from initbench.networks import NETWORKS
from initbench.optimizers import OPTIMIZERS
from initbench.schedules import SCHEDULES

CATALOGS: Mapping[str, Catalog[Any]] = {
    "dataset": DATASETS,
    "network": NETWORKS,
    "activation": ACTIVATIONS,
    "init": INITS,
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
}
DEFAULTS: Mapping[str, str] = {
    "dataset": "mnist_10k",
    "network": "mlp",
    "activation": "relu",
    "optimizer": "sgd",
    "schedule": "constant",
}
EXAMPLES: Mapping[str, str] = {**DEFAULTS, "init": "he"}
