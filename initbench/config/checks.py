"""What no single key can tell: whether the parts of an experiment fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path

from initbench import costs
from initbench.activations import Activation
from initbench.config import limits
from initbench.config.problems import Key, Problems
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


def check_networks(
    specs: Mapping[Dataset, Spec],
    networks: Sequence[Network],
    activations: Sequence[Activation],
    batch_sizes: Sequence[int],
    problems: Problems,
) -> None:
    """Every network reads every dataset, and is of a size that some machine could train. Nothing is built.

    An activation is a layer of its own and has no say in shapes, so one stands for all.
    """
    shapes = {
        (spec.input_shape, spec.outputs): dataset for dataset, spec in specs.items() if not _too_large(dataset, spec)
    }
    for ((shape, outputs), dataset), network in product(shapes.items(), networks if activations else ()):
        where = f"{network.label} on {dataset.label}"
        try:
            size = network.size(shape, outputs, activations[0])
        except ValueError as error:
            problems.add(("network",), f"{where}: {' '.join(str(error).split())}")
            continue
        batch = min(*batch_sizes, specs[dataset].train_samples) if batch_sizes else 1
        limits.check_size(where, _culprit(network, max(prod(shape), outputs)), size, batch, problems)


def check_data(specs: Mapping[Dataset, Spec], problems: Problems) -> None:
    """Every dataset that is drawn rather than read is of a size that some machine could hold."""
    for dataset, spec in specs.items():
        if _too_large(dataset, spec):
            needed = costs.amount(costs.drawn_bytes(dataset, spec))
            problems.add(("dataset",), f"{dataset.label} would take {needed} of memory, {limits.NO_MACHINE}")


def _too_large(dataset: Dataset, spec: Spec) -> bool:
    return costs.drawn_bytes(dataset, spec) > limits.MOST_BYTES


def _culprit(network: Network, data: int) -> Key:
    """What makes a network large: the option with the largest number, or the inputs or outputs of its dataset."""
    numbers = {
        name: max(value, default=0) if isinstance(value, tuple) else value for name, value in network.options().items()
    }
    whole = {name: value for name, value in numbers.items() if isinstance(value, int) and not isinstance(value, bool)}
    name, largest = max(whole.items(), key=lambda item: item[1], default=("", 0))
    return ("network", name) if largest >= data else ("dataset",)


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
