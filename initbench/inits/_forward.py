"""One batch through a network, its weight layers set right one after the other on the way."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from initbench.inits._base import FillContext
from initbench.inits._draw import from_units
from initbench.sites import Site, evaluating

Adjust = Callable[[Site, nn.Module, Tensor], Tensor]
"""(site, layer, input of the layer) → output of the layer, after its parameters were changed in place."""


def adjust_in_order(network: nn.Module, context: FillContext, adjust: Adjust) -> None:
    """Run the batch through the network once and let ``adjust`` set each weight layer when its input arrives.

    Every layer sees what the layers before it return after their own adjustment, so that one pass does what the papers
    describe as a pass for each layer. The network runs in evaluation mode and gets its mode back.
    """
    by_name = {site.layer: site for site in context.sites}
    pending = set(by_name)

    def hook_for(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], Tensor | None]:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> Tensor | None:
            if name not in pending:
                return None  # a layer that is used again keeps what its first use gave it
            pending.remove(name)
            return adjust(by_name[name], layer, inputs[0])

        return hook

    handles = [network.get_submodule(name).register_forward_hook(hook_for(name)) for name in by_name]
    try:
        with evaluating(network):
            network(context.batch)
    finally:
        for handle in handles:
            handle.remove()


def scale_units(weight: Tensor, factors: Tensor, site: Site) -> None:
    """Multiply the incoming weights of every output unit by its own factor ([units]), in place."""
    weight.mul_(from_units(factors[:, None].expand(-1, site.fan_in), site))
