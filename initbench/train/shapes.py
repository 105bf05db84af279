"""The shapes of the signals in a traced network."""

from __future__ import annotations

from typing import Any

from torch import Tensor, fx

_SHAPE = "shape"


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
