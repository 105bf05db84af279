"""What no single key can tell: whether the parts of an experiment fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import torch

from initbench.activations import Activation
from initbench.config.problems import Problems
from initbench.config.values import Target
from initbench.datasets import Dataset, DatasetError, Spec
from initbench.networks import Network


def specs_of(datasets: Sequence[Dataset], data_dir: Path, problems: Problems) -> dict[Dataset, Spec]:
    """The spec of each dataset; one whose files are missing or damaged is a problem."""
    specs = {}
    for dataset in datasets:
        try:
            specs[dataset] = dataset.spec(data_dir)
        except DatasetError as error:
            problems.add(("dataset",), " ".join(str(error).split()))
    return specs


def check_batches(specs: Mapping[Dataset, Spec], batch_sizes: Sequence[int], problems: Problems) -> None:
    """A batch is at most the training set."""
    for (dataset, spec), batch_size in product(specs.items(), batch_sizes):
        if batch_size > spec.train_samples:
            problems.unexpected(
                ("batch_size",), batch_size, f"at most the {spec.train_samples} training samples of {dataset.label}"
            )


def check_normalization(networks: Sequence[Network], batch_sizes: Sequence[int], problems: Problems) -> None:
    """Batch normalization has more than one sample to take statistics of."""
    normalized = [network.label for network in networks if network.options().get("norm") == "batch"]
    if normalized and 1 in batch_sizes:
        problems.unexpected(("batch_size",), 1, f"at least 2, since {normalized[0]} normalizes over the batch")


MOST_LAYERS = 100_000  # built for the check, in all: some ten seconds


def check_networks(
    specs: Mapping[Dataset, Spec], networks: Sequence[Network], activations: Sequence[Activation], problems: Problems
) -> None:
    """Every network can be built for every dataset: tried without memory, on the meta device.

    An activation is a layer of its own and has no say in shapes, so each is tried in one network only.
    """
    layers = 0
    tried = [*product(networks, activations[:1]), *product(networks[:1], activations[1:])]
    shapes = {(spec.input_shape, spec.outputs): dataset for dataset, spec in specs.items()}
    for ((shape, outputs), dataset), (network, activation) in product(shapes.items(), tried):
        try:
            with torch.device("meta"):
                layers += sum(1 for _ in network.build(shape, outputs, activation).modules())
        except ValueError as error:
            problems.add(("network",), f"{network.label} on {dataset.label}: {' '.join(str(error).split())}")
        except (ArithmeticError, RuntimeError, TypeError) as error:  # sizes beyond what a tensor can have
            reason = str(error).partition("\n")[0]
            problems.add(("network",), f"{network.label} on {dataset.label} cannot be built: {reason}")
        if layers > MOST_LAYERS:
            problems.add(("network",), f"found networks of more than {MOST_LAYERS} layers in all; sweep fewer depths")
            return


def check_target(target: Target, specs: Mapping[Dataset, Spec], problems: Problems) -> None:
    """The target's metric exists for every dataset, and its value can be reached."""
    if target.metric != "test_accuracy":
        return
    for dataset, spec in specs.items():
        if spec.task == "regression":
            problems.add(
                ("target", "metric"),
                f"found 'test_accuracy', expected train_loss or test_loss: {dataset.label} is a regression",
            )
    if target.value > 1:
        problems.add(("target", "value"), f"found {target.value:g}, expected an accuracy > 0 and <= 1")
