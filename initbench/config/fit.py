"""Whether schemes fit the networks that they are to fill: what is refused, and what is worth a warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod
from pathlib import Path

import torch

from initbench.activations import Activation
from initbench.config.problems import Problems
from initbench.config.values import Experiment
from initbench.datasets import Dataset, Spec
from initbench.inits import Init
from initbench.networks import Network
from initbench.sites import Site, survey

LARGEST_BUILT = 10**7  # parameters; beyond it the meta device, whose first use takes a second, costs less
MOST_SURVEYED = 100_000  # layers in all: some ten seconds
MOST_NOTED = 200  # layers looked at for a note
LARGEST_INPUT = 10**4  # values of one sample, which every channel of a layer multiplies; as above


def check_inits(
    specs: Mapping[Dataset, Spec],
    networks: Sequence[Network],
    activations: Sequence[Activation],
    inits: Sequence[Init],
    problems: Problems,
) -> None:
    """Every scheme finds in every network what it cannot do without."""
    demanding = [init for init in inits if init.requires]
    if not demanding:
        return
    shapes = {(spec.input_shape, spec.outputs) for spec in specs.values()}
    layers = sum(network.size(*shape, activations[0]).layers for network, shape in product(networks, shapes))
    if layers > MOST_SURVEYED:
        problems.add(
            ("network",),
            f"found networks of {layers} layers in all, expected at most {MOST_SURVEYED} where "
            f"{demanding[0].label} is to fit all of them; sweep fewer",
        )
        return
    for label, sites in _surveyed(specs, networks, activations):
        for init in demanding:
            refusal = init.refusal(sites)
            if refusal is not None:
                problems.add(("init",), f"{refusal} in {label}")


def concerns(experiment: Experiment, data_dir: Path) -> tuple[str, ...]:
    """What schemes of an experiment assume and a network does not meet: a sentence each, and each once.

    Of a sweep over very many networks some are looked at, which nearly always have the structure of all.
    """
    assuming = [init for init in experiment.init if init.assumes]
    if not assuming:
        return ()
    specs = {dataset: dataset.spec(data_dir) for dataset in experiment.dataset}
    shapes = {(spec.input_shape, spec.outputs) for spec in specs.values()}
    layers = sum(
        network.size(*shape, experiment.activation[0]).layers for network, shape in product(experiment.network, shapes)
    )
    some = experiment.network[:: -(-layers // MOST_NOTED)]
    surveys = [sites for _, sites in _surveyed(specs, some, experiment.activation)]
    return tuple(dict.fromkeys(text for init in assuming for sites in surveys for text in init.concerns(sites)))


def _surveyed(
    specs: Mapping[Dataset, Spec], networks: Sequence[Network], activations: Sequence[Activation]
) -> Iterator[tuple[str, tuple[Site, ...]]]:
    """The sites of each network, with its label; every activation appears in one network only, which is enough."""
    tried = [*product(networks, activations[:1]), *product(networks[:1], activations[1:])]
    shapes = {(spec.input_shape, spec.outputs) for spec in specs.values()}
    for (shape, outputs), (network, activation) in product(shapes, tried):
        parameters = network.size(shape, outputs, activation).parameters
        large = prod(shape) > LARGEST_INPUT or parameters > LARGEST_BUILT
        device = "meta" if large else "cpu"
        with torch.random.fork_rng(devices=[]), torch.device(device):
            sites = survey(network.build(shape, outputs, activation), torch.zeros(2, *shape))
        yield network.label, sites
