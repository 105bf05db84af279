"""The fast form of a stack: one graph of batched kernels instead of R modules.

A plain module is traced with ``torch.fx``, and each of its layers replaced by the batched form that ``layers.py``
knows. A layer or an operation without one raises ``Unbatchable``, and the caller takes the loop.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from initbench.activations import Pointwise
from initbench.layers import Dropout, Recurrent, Scale, Segment, Shift, TimeStep
from initbench.sites import SIGNAL_LAYERS, activation_of
from initbench.train.graph import Leaves, Shapes, is_flatten, noted_shape
from initbench.train.stack import layers as batched
from initbench.train.stack._base import Stack
from initbench.train.trace import Trace

POINTWISE_MODULES = (
    Pointwise, TimeStep, nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU,
    nn.Mish, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.LogSigmoid,
)  # fmt: skip
POOLING_MODULES = (
    nn.MaxPool1d, nn.MaxPool2d, nn.AvgPool1d, nn.AvgPool2d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d,
)  # fmt: skip
POINTWISE_FUNCTIONS: frozenset[Callable[..., Any] | str] = frozenset({
    torch.relu, torch.tanh, torch.sigmoid, functional.relu, functional.leaky_relu, functional.elu, functional.selu,
    functional.gelu, functional.silu, functional.tanh, functional.sigmoid, functional.softplus, functional.softsign,
    operator.add, operator.sub, operator.mul, operator.truediv, operator.neg, torch.add, torch.sub, torch.mul,
    "relu", "tanh", "sigmoid", "add", "sub", "mul", "neg",
})  # fmt: skip

CHANNELWISE_FORMS: Mapping[type[nn.Module], Callable[..., nn.Module]] = {
    nn.PReLU: batched.PReLU, Dropout: batched.Dropout, Scale: batched.Scale, Shift: batched.Shift,
}  # fmt: skip
OWN_LAYERS = (Pointwise, Recurrent, Segment, TimeStep, *CHANNELWISE_FORMS)


class Unbatchable(Exception):  # noqa: N818 - no error: the loop takes over
    """A network that has no batched form here."""


class BatchedStack(Stack):
    """R networks as one graph of batched kernels."""

    def __init__(self, networks: Sequence[nn.Module], sample: Tensor) -> None:
        self._graph = _batched_graph(networks, sample)
        super().__init__(
            dict(self._graph.named_parameters()),
            dict(self._graph.named_buffers()),
            [module for module in self._graph.modules() if isinstance(module, batched.Dropout)],
        )
        if self.parameters.keys() != dict(networks[0].named_parameters()).keys():
            raise Unbatchable("parameters that are shared between layers, computed, or not used")
        self._traced = _traced(self._graph, len(networks))
        self.set_training(True)

    def forward(self, x: Tensor, trace: Trace | None = None) -> Tensor:
        """The outputs of all networks at once."""
        if x.dim() > 3:  # samples with more than one axis travel as images
            x = x.transpose(0, 1).flatten(1, 2)
        outputs: Tensor
        if trace is None:
            outputs = self._graph(x)
            return outputs
        trace.begin()
        outputs = self._traced(x, trace)
        return outputs

    def set_training(self, training: bool) -> None:
        """Switch the mode of every layer."""
        self._graph.train(training)

    def state(self, replica: int) -> dict[str, Tensor]:
        """One replica's parameters and buffers, axes put back."""
        plain = {}
        for name, value in {**self.parameters, **self.buffers}.items():
            owner, _, own = name.rpartition(".")
            layer = self._graph.get_submodule(owner)
            assert isinstance(layer, batched.Layer)  # noqa: S101 - nothing else has state
            plain[name] = layer.plain(own, value[replica])
        return plain

    def unit_axis(self, weight: str) -> int:
        """As the batched layer keeps it."""
        layer = self._graph.get_submodule(weight.rpartition(".")[0])
        return 2 if isinstance(layer, batched.Linear) else 1


def _traced(module: fx.GraphModule, replicas: int) -> fx.GraphModule:
    """The same layers in a graph that takes a trace beside its input, and tells it of each signal on the way."""
    graph = fx.Graph()
    copies: dict[fx.Node, fx.Node] = {}
    graph.output(graph.graph_copy(module.graph, copies))
    inputs = [node for node in graph.nodes if node.op == "placeholder"]
    with graph.inserting_after(inputs[-1]):
        trace = graph.placeholder("trace")
    for node in copies.values():
        role, source = node.meta.get("role"), node.all_input_nodes
        if role is None:
            continue
        pieces = replicas if node.meta["images"] else None
        with graph.inserting_after(node):
            if role == "preactivation":
                noted = graph.call_function(_preactivation, (node, trace, str(node.target), pieces))
            else:
                noted = graph.call_function(_activation, (node, trace, source[0], pieces))
        node.replace_all_uses_with(noted, delete_user_cb=partial(operator.is_not, noted))
    return fx.GraphModule(module, graph)


def _preactivation(z: Tensor, trace: Trace, layer: str, pieces: int | None) -> Tensor:
    noted = _by_replica(z, pieces)
    trace.preactivation(layer, noted)
    return _put_back(z, noted)


def _activation(a: Tensor, trace: Trace, entering: Tensor, pieces: int | None) -> Tensor:
    if not trace.awaits_activation:
        return a
    noted = _by_replica(a, pieces)
    trace.activation(_by_replica(entering, pieces), noted)
    return _put_back(a, noted)


def _by_replica(signal: Tensor, pieces: int | None) -> Tensor:
    """Images of so many replicas turned to [R, N, channels, *space]; vectors as they are."""
    return signal if pieces is None else signal.unflatten(1, (pieces, -1)).transpose(0, 1)


def _put_back(signal: Tensor, noted: Tensor) -> Tensor:
    """What was noted in the signal's own layout: it must lie on the path to the loss to have a gradient."""
    return signal if noted is signal else noted.transpose(0, 1).flatten(1, 2)


def _batched_graph(networks: Sequence[nn.Module], sample: Tensor) -> fx.GraphModule:
    try:
        graph = Leaves(*OWN_LAYERS).trace(networks[0])
        plain = fx.GraphModule(networks[0], graph)
        Shapes(plain.eval()).run(sample)
    except Exception as error:  # a module may hold any Python; what cannot be traced is looped
        raise Unbatchable(str(error)) from error
    submodules: dict[str, Any] = {}
    for node in list(graph.nodes):
        _rewrite(node, networks, submodules)
    return fx.GraphModule(submodules, graph)


def _rewrite(node: fx.Node, networks: Sequence[nn.Module], submodules: dict[str, Any]) -> None:
    """Give one node its batched form, or refuse."""
    if node.op in ("placeholder", "output"):
        return
    if node.op == "get_attr":
        raise Unbatchable(f"{node.target} is a bare tensor")
    node.meta["images"] = len(_shape(node)) > 2
    if is_flatten(node, networks[0]):
        source = node.args[0]
        assert isinstance(source, fx.Node)  # noqa: S101
        shape = _shape(source)
        node.op, node.target, node.kwargs = "call_module", f"{node.name}_batched", {}
        node.args = (source,)
        submodules[node.target] = batched.Flatten(shape[1]) if len(shape) > 2 else nn.Identity()
    elif node.op == "call_module":
        layers = [network.get_submodule(str(node.target)) for network in networks]
        if str(node.target) not in submodules:  # a layer may be called again
            submodules[str(node.target)] = _batched_layer(layers, node)
        if isinstance(layers[0], SIGNAL_LAYERS):
            node.meta["role"] = "preactivation"
        elif activation_of(layers[0]) is not None:
            node.meta["role"] = "activation"
    elif node.target not in POINTWISE_FUNCTIONS or len({_shape(source) for source in node.all_input_nodes}) > 1:
        raise Unbatchable(f"{node.target} has no batched form")


def _batched_layer(layers: Sequence[Any], node: fx.Node) -> nn.Module:
    first, source = layers[0], node.all_input_nodes[0]
    dims = len(_shape(source))
    if isinstance(first, (*POINTWISE_MODULES, *POOLING_MODULES)):
        return first
    if isinstance(first, Segment) and dims == 2:
        return first
    if isinstance(first, nn.Linear) and dims == 2:
        return batched.Linear(layers)
    if isinstance(first, (nn.Conv1d, nn.Conv2d)) and first.padding_mode in ("zeros", "circular"):
        return batched.Convolution(layers)
    for kind, form in CHANNELWISE_FORMS.items():
        if isinstance(first, kind):
            return form(layers, images=_shape(source)[1] if dims > 2 else None)
    if isinstance(first, (nn.BatchNorm1d, nn.BatchNorm2d)) and first.momentum is not None:
        return batched.BatchNorm(layers, first.momentum, vectors=dims == 2)
    if isinstance(first, nn.LayerNorm) and dims == 2:
        return batched.LayerNorm(layers)
    if isinstance(first, nn.GroupNorm) and dims > 2:
        return batched.GroupNorm(layers)
    raise Unbatchable(f"{type(first).__name__} has no batched form")


def _shape(node: fx.Node) -> tuple[int, ...]:
    shape = noted_shape(node)
    if shape is None:
        raise Unbatchable(f"{node.name} is no tensor")
    return shape
