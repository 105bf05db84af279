"""A network as theory sees it: a graph of the few kinds of step whose laws are known.

A plain module is traced with ``torch.fx`` once, on its first replica. Weight layers, activations of the catalog,
normalization, sums of two branches, factors, averages and reshapes have a kind; anything else is ``unknown``, and so is
a layer that is called twice, since theory takes the weights of every step as independent of all others. A network that
cannot be traced at all is one unknown node.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from initbench.activations import Activation, Pointwise
from initbench.layers import Dropout
from initbench.sites import activation_of
from initbench.train.graph import Leaves, Shapes, is_flatten, noted_shape

Kind = Literal[
    "input", "weights", "activation", "batch_norm", "layer_norm", "average", "scale", "shift", "flatten", "sum",
    "unknown",
]  # fmt: skip

SUMS = (operator.add, operator.iadd, torch.add, "add", "add_")
PRODUCTS = (operator.mul, operator.imul, torch.mul, "mul", "mul_")
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class Node:
    """One step. ``inputs`` are positions of earlier nodes, ``space`` the positions of what leaves (images only).

    ``layer`` is the path of the module, or of the parameter that scales or shifts; ``number`` is the factor, the shift
    or the number of positions averaged.
    """

    kind: Kind
    inputs: tuple[int, ...] = ()
    layer: str = ""
    module: nn.Module | None = None
    activation: Activation | None = None
    number: float = 1.0
    space: tuple[int, ...] = ()


@dataclass(frozen=True)
class Blueprint:
    """The nodes in execution order, the last of them the output."""

    nodes: tuple[Node, ...]

    def weights(self) -> Iterator[tuple[int, Node]]:
        """The weight layers with their positions."""
        return ((position, node) for position, node in enumerate(self.nodes) if node.kind == "weights")

    def activation_after(self, position: int) -> int | None:
        """The activation that follows a weight layer before any other does, as the probe assigns it."""
        for later, node in enumerate(self.nodes[position + 1 :], start=position + 1):
            if node.kind == "activation":
                return later
            if node.kind == "weights":
                return None
        return None


def blueprint(network: nn.Module, sample: Tensor) -> Blueprint:
    """The graph of a network. ``sample`` is a batch [N, *input shape] with N ≥ 2; the network is left as it was."""
    try:
        graph = Leaves(Pointwise, Dropout).trace(network)
        traced = fx.GraphModule(network, graph)
        with torch.no_grad():
            _StatelessShapes(traced).run(sample)
    except Exception:  # noqa: BLE001 - a module may hold any Python; theory follows what can be traced
        return Blueprint((Node("input"), Node("unknown", (0,))))
    positions: dict[fx.Node, int] = {}
    nodes: list[Node] = []
    for found in graph.nodes:
        if found.op in ("output", "get_attr"):
            continue
        positions[found] = len(nodes)
        read = tuple(positions[source] for source in found.all_input_nodes if source in positions)
        nodes.append(replace(_node(found, network), inputs=read, space=_space(found)))
    calls = Counter(node.layer for node in nodes if node.kind == "weights")
    return Blueprint(tuple(Node("unknown", node.inputs) if calls[node.layer] > 1 else node for node in nodes))


class _StatelessShapes(Shapes):
    """Notes shapes; running statistics stay as they are, nothing is drawn."""

    def call_module(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        module = self.fetch_attr(target)
        if isinstance(module, (*BATCH_NORMS, Dropout, nn.Dropout)):
            return args[0]  # of the shape that it returns
        return super().call_module(target, args, kwargs)


def _node(found: fx.Node, network: nn.Module) -> Node:
    if found.op == "placeholder":
        return Node("input")
    if is_flatten(found, network):
        return Node("flatten")
    if found.op == "call_module":
        path = str(found.target)
        return _of_module(path, network.get_submodule(path), found)
    return _of_call(found)


def _of_module(path: str, module: nn.Module, found: fx.Node) -> Node:
    activation = activation_of(module)
    if activation is not None:
        return Node("activation", layer=path, module=module, activation=activation)
    if _is_weight_layer(module, found):
        return Node("weights", layer=path, module=module)
    if isinstance(module, BATCH_NORMS):
        return Node("batch_norm", layer=path, module=module)
    if isinstance(module, nn.GroupNorm) or (isinstance(module, nn.LayerNorm) and len(module.normalized_shape) == 1):
        return Node("layer_norm", layer=path, module=module)
    if isinstance(module, (nn.Identity, Dropout, nn.Dropout)):  # nothing is dropped while a probe measures
        return Node("scale")
    return Node("average", number=count) if (count := _averaged(module, found)) else Node("unknown")


def _is_weight_layer(module: nn.Module, found: fx.Node) -> bool:
    if isinstance(module, nn.Linear):
        return len(_shape(found)) == 2
    if isinstance(module, CONVOLUTIONS):
        return module.padding_mode in ("zeros", "circular") and not isinstance(module.padding, str)
    return False


def _averaged(module: nn.Module, found: fx.Node) -> int:
    """The number of positions in each average, 0 if it is no pooling whose windows tile the image."""
    before, after = _positions(found.all_input_nodes[0]), _positions(found)
    if isinstance(module, (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)):
        return before if after == 1 else 0
    if isinstance(module, (nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d)):
        tiles = module.kernel_size == module.stride and before % after == 0
        area = before // after
        return area if tiles and area == _area(module.kernel_size, len(_space(found))) else 0
    return 0


def _area(kernel: int | tuple[int, ...], dimensions: int) -> int:
    sides = kernel if isinstance(kernel, tuple) else (kernel,) * (dimensions if dimensions else 1)
    return prod(sides)


def _of_call(found: fx.Node) -> Node:
    """Operators and functions: sums of two nodes, products and sums with one number."""
    tensors = [arg for arg in found.args if isinstance(arg, fx.Node) and arg.op != "get_attr"]
    parameters = [str(arg.target) for arg in found.args if isinstance(arg, fx.Node) and arg.op == "get_attr"]
    numbers = [float(arg) for arg in found.args if isinstance(arg, (int, float))]
    if found.kwargs or len(found.args) != 2:
        return Node("unknown")
    if found.target in SUMS and len(tensors) == 2:
        return (
            Node("sum")
            if _shape(tensors[0]) == _shape(tensors[1]) and tensors[0] is not tensors[1]
            else Node("unknown")
        )
    kinds: dict[Any, Kind] = {**dict.fromkeys(SUMS, "shift"), **dict.fromkeys(PRODUCTS, "scale")}
    if found.target not in kinds or len(tensors) != 1:
        return Node("unknown")
    kind = kinds[found.target]
    return Node(kind, layer=parameters[0]) if parameters else Node(kind, number=numbers[0])


def tap_counts(node: Node) -> Callable[[Tensor], Tensor]:
    """The linear map of a convolution with a kernel of ones, from [1, 1, *space] to the sums over each window."""
    module = node.module
    assert isinstance(module, CONVOLUTIONS)  # noqa: S101 - a weight layer with positions
    convolve: Any = (functional.conv1d, functional.conv2d, functional.conv3d)[len(module.kernel_size) - 1]
    ones = torch.ones(1, 1, *module.kernel_size, dtype=torch.float64)
    wraps = module.padding_mode == "circular"

    def count(x: Tensor) -> Tensor:
        if wraps:
            x = functional.pad(x, module._reversed_padding_repeated_twice, mode="circular")
        padding = 0 if wraps else module.padding
        counted: Tensor = convolve(x, ones, stride=module.stride, padding=padding, dilation=module.dilation)
        return counted

    return count


def kernel_area(node: Node) -> int:
    """The taps of a convolution's kernel."""
    assert isinstance(node.module, CONVOLUTIONS)  # noqa: S101
    return prod(node.module.kernel_size)


def _shape(found: fx.Node) -> tuple[int, ...]:
    return noted_shape(found) or ()


def _space(found: fx.Node) -> tuple[int, ...]:
    return _shape(found)[2:]


def _positions(found: fx.Node) -> int:
    return max(1, torch.Size(_space(found)).numel())
