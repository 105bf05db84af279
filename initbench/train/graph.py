"""A network as ``torch.fx`` traces it: what stays whole, the shapes of the signals, where images become vectors."""

from __future__ import annotations

from typing import Any, final

import torch
from torch import Tensor, fx, nn

_SHAPE = "shape"


@final
class Leaves(fx.Tracer):
    """Takes layers of these kinds as they are, as it does those of ``torch.nn``."""

    def __init__(self, *kinds: type[nn.Module]) -> None:
        super().__init__()
        self._kinds = kinds

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one step of the graph, not looked into."""
        return isinstance(m, self._kinds) or super().is_leaf_module(m, module_qualified_name)


class Shapes(fx.Interpreter):
    """Runs a traced network and notes the shape of each tensor at its node.

    ``torch.fx.passes.shape_prop`` notes more, and for that imports the symbolic half of the compiler: 0.7 s and 70 MB
    in every worker.
    """

    def run_node(self, n: fx.Node) -> Any:
        """Run one node as ever, and note what it gave."""
        value = super().run_node(n)
        if isinstance(value, Tensor):
            n.meta[_SHAPE] = tuple(value.shape)
        return value


def noted_shape(node: fx.Node) -> tuple[int, ...] | None:
    """The shape of what a node gave, or None where it gave no tensor."""
    return node.meta.get(_SHAPE)


def is_flatten(node: fx.Node, network: nn.Module) -> bool:
    """Whether a node turns [N, …] into [N, features], be it a module, a function or a method."""
    if node.op == "call_module":
        module = network.get_submodule(str(node.target))
        return isinstance(module, nn.Flatten) and (module.start_dim, module.end_dim) == (1, -1)
    start = node.args[1] if len(node.args) > 1 else node.kwargs.get("start_dim")
    return bool(node.target in (torch.flatten, "flatten") and start == 1 and len(noted_shape(node) or ()) == 2)
