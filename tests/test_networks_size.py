"""What networks say of their size, held against what they build."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from initbench.activations import ACTIVATIONS, Activation
from initbench.networks import NETWORKS, Network
from initbench.sites import WEIGHT_LAYERS

BATCH = 2
VECTOR, IMAGE, SEQUENCE = (6,), (3, 9, 11), (1, 7, 5)
COUNTS = st.integers(1, 5)
NORMS = st.sampled_from(["none", "batch", "layer"])
OPTIONS = {
    "mlp": st.one_of(
        st.fixed_dictionaries({"depth": COUNTS, "width": COUNTS, "norm": NORMS}),
        st.fixed_dictionaries(
            {"hidden": st.lists(st.integers(1, 3), min_size=1, max_size=6).map(tuple), "norm": NORMS}
        ),
    ),
    "cnn": st.fixed_dictionaries(
        {
            "depth": st.integers(2, 6),
            "channels": COUNTS,
            "kernel": st.sampled_from([1, 3, 5]),
            "strides": st.lists(st.integers(1, 3), max_size=4).map(tuple),
            "padding": st.sampled_from(["zeros", "circular"]),
            "head": st.sampled_from(["average", "flatten"]),
            "norm": NORMS,
        }
    ),
    "resnet": st.fixed_dictionaries(
        {
            "depth": st.sampled_from([4, 8, 14]),
            "branch": st.sampled_from([1, 2]),
            "kind": st.sampled_from([None, "dense", "conv"]),
            "width": COUNTS,
            "channels": COUNTS,
            "stride": st.integers(1, 2),
            "stages": st.integers(1, 4),
            "order": st.sampled_from(["pre", "post"]),
            "norm": NORMS,
            "multipliers": st.booleans(),
        }
    ),
    "rnn": st.fixed_dictionaries({"cell": st.sampled_from(["elman", "lstm", "gru"]), "width": COUNTS}),
}


def test_every_network_is_held_to_its_size() -> None:
    assert OPTIONS.keys() == NETWORKS.keys()


@pytest.mark.parametrize("name", OPTIONS)
@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.data())
def test_the_size_is_that_of_what_is_built(name: str, data: st.DataObject) -> None:
    network = _valid(name, data.draw(OPTIONS[name]))
    shape = data.draw(st.sampled_from([VECTOR, IMAGE, SEQUENCE]))
    activation = ACTIVATIONS[data.draw(st.sampled_from(["tanh", "prelu"]))]()
    if network is None:
        return
    refusals = [_refusal(network.build, shape, activation), _refusal(network.size, shape, activation)]
    assert refusals[0] == refusals[1]
    if refusals[0]:
        return
    built, size = network.build(shape, 4, activation), network.size(shape, 4, activation)
    assert size.parameters == sum(parameter.numel() for parameter in built.parameters())
    assert (size.layers, size.signals, size.products) == _calls(name, built, shape)


def _refusal(ask: Callable[..., object], shape: tuple[int, ...], activation: Activation) -> str:
    try:
        ask(shape, 4, activation)
    except ValueError as refusal:
        return str(refusal)
    return ""


def _valid(name: str, options: dict) -> Network | None:
    try:
        return NETWORKS[name](**options)
    except ValueError:
        return None


def _calls(name: str, built: nn.Module, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Calls of weight layers, pre-activations and multiplications of one sample, counted while it passes."""
    calls: list[tuple[int, int]] = []

    def note(module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        taps = module.weight[0].numel()
        calls.append((output[0].numel(), output[0].numel() * taps))

    for module in built.modules():
        if isinstance(module, WEIGHT_LAYERS):
            module.register_forward_hook(note)
    with torch.no_grad():
        built.eval()(torch.zeros(BATCH, *shape))
    layers = shape[1] + 1 if name == "rnn" else len(calls)  # the gates of a step count as one layer
    return layers, sum(signals for signals, _ in calls), sum(products for _, products in calls)


def test_a_network_of_any_depth_has_its_size_at_once() -> None:
    depth = 10**15
    assert NETWORKS["mlp"](depth=depth).size(VECTOR, 4, ACTIVATIONS["relu"]()).layers == depth
    assert NETWORKS["cnn"](depth=depth).size(IMAGE, 4, ACTIVATIONS["relu"]()).layers == depth
    assert NETWORKS["resnet"](depth=depth).size(VECTOR, 4, ACTIVATIONS["relu"]()).layers == depth
    assert NETWORKS["rnn"]().size((1, depth, 2), 4, ACTIVATIONS["relu"]()).layers == depth + 1
