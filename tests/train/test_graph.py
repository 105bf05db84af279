"""What the traced form of a network tells."""

import pytest
import torch
from torch import nn

from initbench.train.blueprint import blueprint
from initbench.train.graph import Leaves, Shapes, is_flatten, noted_shape


class Through(nn.Module):
    """Does one thing to its input."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


IMAGES = torch.zeros(2, 3, 4, 5)
FLATTENED = {
    "module": nn.Flatten(),
    "function": lambda x: torch.flatten(x, 1),
    "function by name": lambda x: torch.flatten(x, start_dim=1),
    "method": lambda x: x.flatten(1),
    "method by name": lambda x: x.flatten(start_dim=1),
    "to the last axis": lambda x: x.flatten(1, -1),
}
OTHERWISE = {
    "of the later axes": nn.Flatten(2),
    "of some axes": lambda x: x.flatten(1, 2),
    "of the batch too": lambda x: x.flatten(),
    "another reshape": lambda x: x.reshape(2, -1),
}


def traced(function):
    network = Through(function)
    graph = Leaves().trace(network)
    Shapes(torch.fx.GraphModule(network, graph)).run(IMAGES)
    return network, [node for node in graph.nodes if node.op not in ("placeholder", "output")]


@pytest.mark.parametrize(("function", "expected"), [*((f, True) for f in FLATTENED.values()),
                                                   *((f, False) for f in OTHERWISE.values())],
                         ids=[*FLATTENED, *OTHERWISE])  # fmt: skip
def test_images_become_vectors_however_it_is_written(function, expected):
    network, (node,) = traced(function)
    assert is_flatten(node, network) is expected
    assert (blueprint(network, IMAGES).nodes[-1].kind == "flatten") is expected


def test_the_shape_of_a_signal_is_noted_and_a_number_has_none():
    _, nodes = traced(lambda x: x.flatten(1) * x.size(0))
    assert [noted_shape(node) for node in nodes] == [(2, 60), None, (2, 60)]


def test_layers_named_as_leaves_are_not_looked_into():
    network = nn.Sequential(Through(torch.relu), Through(torch.tanh))
    assert [node.op for node in Leaves(Through).trace(network).nodes] == [
        "placeholder", "call_module", "call_module", "output"
    ]  # fmt: skip
    assert [node.op for node in Leaves().trace(network).nodes] == [
        "placeholder", "call_function", "call_function", "output"
    ]  # fmt: skip
