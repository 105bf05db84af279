"""What no single key can tell: whether the parts of an experiment fit together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
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
    shapes = {(spec.input_shape, spec.outputs): dataset for dataset, spec in specs.items()}
    for ((shape, outputs), dataset), network in product(shapes.items(), networks if activations else ()):
        where = f"{network.label} on {dataset.label}"
        try:
            size = network.size(shape, outputs, activations[0])
        except ValueError as error:
            problems.add(("network",), f"{where}: {' '.join(str(error).split())}")
            continue
        limits.check_size(where, _culprit(network), size, min(batch_sizes, default=1), problems)


def check_data(specs: Mapping[Dataset, Spec], problems: Problems) -> None:
    """Every dataset that is drawn rather than read is of a size that some machine could hold."""
    for dataset, spec in specs.items():
        needed = costs.drawn_bytes(dataset, spec)
        if needed > limits.MOST_BYTES:
            problems.add(
                ("dataset",), f"{dataset.label} would take {costs.amount(needed)} of memory, {limits.NO_MACHINE}"
            )


def _culprit(network: Network) -> Key:
    """The option that makes a network large: the one with the largest number."""
    numbers = {
        name: max(value, default=0) if isinstance(value, tuple) else value for name, value in network.options().items()
    }
    whole = {name: value for name, value in numbers.items() if isinstance(value, int) and not isinstance(value, bool)}
    return ("network", max(whole, key=lambda name: whole[name])) if whole else ("network",)


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
