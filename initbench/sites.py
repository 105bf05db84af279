"""Where weights live: the weight tensors of a network in execution order, and the fans of each.

A ``Site`` is all that a per-weight scheme may know of its surroundings. ``survey`` finds the sites of a plain
``nn.Module`` by running one batch through it and noting the order in which its layers are called, so that a network
needs no registry and layers come in execution order, not in registration order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeGuard

import torch
from torch import Tensor, nn

from initbench.activations import ACTIVATIONS, Activation, Pointwise
from initbench.layers import Recurrent, ResidualBlock, Scale, TimeStep

Kind = Literal["linear", "conv", "conv_transpose"]

WEIGHT_LAYERS: tuple[type[nn.Module], ...] = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)
SIGNAL_LAYERS: tuple[type[nn.Module], ...] = (*WEIGHT_LAYERS, TimeStep)
"""The layers whose outputs a probe measures."""
NORM_LAYERS: tuple[type[nn.Module], ...] = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.LayerNorm,
    nn.GroupNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
)


@dataclass(frozen=True)
class Branch:
    """The place of a weight layer in a residual branch, in a network of ``count`` branches.

    ``index`` counts branches, ``position`` the ``length`` weight layers of this one, both from 0 in execution order.
    ``multiplier`` is the name of the trained factor that scales the branch, if it has one.
    """

    index: int = 0
    count: int = 1
    position: int = 0
    length: int = 1
    multiplier: str | None = None


@dataclass(frozen=True)
class Site:
    """One weight tensor and its place in the network.

    ``shape`` is the shape of the weight as PyTorch stores it: [out, in] for linear layers, [out, in/groups, *kernel]
    for convolutions, [in, out/groups, *kernel] for transposed ones. ``index`` counts weight layers from 0 in execution
    order, ``count`` is their number; ``before`` and ``after`` are the activations that feed the layer and follow it
    (None at the input and at the output). ``normalized`` says whether a normalization layer follows before the next
    weights; ``branch`` is the place in a residual branch, None outside of one. ``recurrent`` weights lead from a state
    to the next one. A site that stands for one time step has signals of its own and weights of the layer ``shared``.
    """

    shape: tuple[int, ...]
    kind: Kind = "linear"
    groups: int = 1
    layer: str = ""
    index: int = 0
    count: int = 1
    before: Activation | None = None
    after: Activation | None = None
    has_bias: bool = True
    normalized: bool = False
    branch: Branch | None = None
    recurrent: bool = False
    shared: str | None = None

    @property
    def weight(self) -> str:
        """The name of the weight parameter."""
        return f"{self.shared or self.layer}.weight"

    @property
    def bias(self) -> str | None:
        """The name of the bias parameter, if the layer has one."""
        return f"{self.shared or self.layer}.bias" if self.has_bias else None

    @property
    def fan_in(self) -> int:
        """The number of inputs that one output unit reads."""
        return fans(self)[0]

    @property
    def fan_out(self) -> int:
        """The number of output units that read one input."""
        return fans(self)[1]

    @property
    def is_output(self) -> bool:
        """Whether this is the last weight layer."""
        return self.index == self.count - 1

    @property
    def ends_branch(self) -> bool:
        """Whether this is the last weight layer of a residual branch."""
        return self.branch is not None and self.branch.position == self.branch.length - 1

    @property
    def activation(self) -> Activation | None:
        """The activation that decides the layer's gain: the one that feeds it, or, at the input, the one after it."""
        return self.before or self.after

    @property
    def rectifier_gain(self) -> float:
        """√(2 / (1 + a²)), where ``a`` is the slope below zero of a leaky ReLU or PReLU, and 0 for all else.

        It is √2 for every other activation, rectifier or not: the literal reading of He et al. 2015, equation 15. The
        gain that fits any activation is ``activation.gain``.
        """
        slope = self.activation.options().get("slope", 0.0) if _is_leaky(self.activation) else 0.0
        return math.sqrt(2 / (1 + slope**2))


def fans(site: Site) -> tuple[int, int]:
    """(fan_in, fan_out) of a weight: the one place where fans are computed.

    An output unit of a grouped convolution reads in_channels/groups · kernel area values, and an input value is read
    by out_channels/groups · kernel area units, stride aside. PyTorch's own helper takes both from the shape of the
    tensor alone, which is wrong by the factor ``groups`` for fan_out, and swaps the two for transposed convolutions.
    """
    area = math.prod(site.shape[2:])
    if site.kind == "conv_transpose":
        channels_in, channels_out = site.shape[0], site.shape[1] * site.groups
    else:
        channels_in, channels_out = site.shape[1] * site.groups, site.shape[0]
    return channels_in // site.groups * area, channels_out // site.groups * area


def survey(network: nn.Module, batch: Tensor) -> tuple[Site, ...]:
    """The sites of a network in execution order, found by running ``batch`` ([N, *input shape]) through it.

    A weight layer that is called several times counts once, at its first call. The network's parameters and buffers,
    and the mode of every module in it, are left as they were.
    """
    called, inputs = _call_order(network, batch)
    positions = [i for i, (_, module) in enumerate(called) if isinstance(module, WEIGHT_LAYERS)]
    sites: list[Site] = []
    readers: dict[int, Site] = {}  # the first reader of each input; ``inputs`` keeps what the ids stand for alive
    for index, here in enumerate(positions):
        name, module = called[here]
        sibling = readers.get(id(inputs[name]))
        following = positions[index + 1] if index + 1 < len(positions) else len(called)
        preceding = positions[index - 1] if index else 0
        sites.append(
            Site(
                shape=tuple(network.get_parameter(f"{name}.weight").shape),
                kind=_kind(module),
                groups=getattr(module, "groups", 1),
                layer=name,
                index=index,
                count=len(positions),
                before=sibling.before if sibling else _last_activation(called[preceding:here]),
                after=_last_activation(called[here:following][::-1]),
                has_bias=module.bias is not None,
                normalized=any(isinstance(layer, NORM_LAYERS) for _, layer in called[here:following]),
                recurrent=isinstance(module, Recurrent),
            )
        )
        readers.setdefault(id(inputs[name]), sites[-1])
    return _with_branches(network, sites)


def with_time_steps(network: nn.Module, sites: tuple[Site, ...]) -> tuple[Site, ...]:
    """The sites and, before the output layer, one for each marked step of a recurrent network."""
    by_layer = {site.layer: site for site in sites}
    steps = [
        replace(by_layer[module.layer], layer=name, shared=module.layer)
        for name, module in network.named_modules()
        if isinstance(module, TimeStep)
    ]
    return (*sites[:-1], *steps, *sites[-1:])


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients (no buffer moves, nothing is drawn); then every module's own mode again."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def activation_of(module: nn.Module) -> Activation | None:
    """The activation that a layer applies, or None where the layer is no activation of the catalog."""
    if isinstance(module, Pointwise):
        return module.activation
    if isinstance(module, nn.PReLU):
        if module.weight.is_meta:  # no values there; who surveys without memory asks for places, not for slopes
            return ACTIVATIONS["prelu"]()
        return ACTIVATIONS["prelu"](slope=float(module.weight.detach().mean()))  # type: ignore[call-arg]
    return None


def _with_branches(network: nn.Module, sites: list[Site]) -> tuple[Site, ...]:
    """The sites, those inside of a residual branch with their place in it (that of the innermost branch)."""
    blocks = {name: block for name, block in network.named_modules() if isinstance(block, ResidualBlock)}
    members: dict[str, list[Site]] = {}
    for site in sites:
        path = site.layer.split(".")
        around = (".".join(path[:end]) for end in reversed(range(len(path))) if path[end] == "branch")
        innermost = next((name for name in around if name in blocks), None)
        if innermost is not None:
            members.setdefault(innermost, []).append(site)
    placed = {}
    for index, (name, own) in enumerate(members.items()):
        scales = [path for path, module in blocks[name].named_modules(prefix=name) if isinstance(module, Scale)]
        multiplier = f"{scales[-1]}.weight" if scales else None
        for position, site in enumerate(own):
            placed[site.layer] = Branch(index, len(members), position, len(own), multiplier)
    return tuple(replace(site, branch=placed.get(site.layer)) for site in sites)


def _call_order(network: nn.Module, batch: Tensor) -> tuple[list[tuple[str, nn.Module]], dict[str, object]]:
    """Every call of a layer, in order, and what each weight layer reads.

    A weight layer's later calls are left out; an activation may be shared.
    """
    called: list[tuple[str, nn.Module]] = []
    inputs: dict[str, object] = {}

    def note(name: str) -> Callable[[nn.Module, tuple[object, ...]], None]:
        def hook(module: nn.Module, args: tuple[object, ...]) -> None:
            if name not in inputs:
                called.append((name, module))
            if isinstance(module, WEIGHT_LAYERS):
                inputs.setdefault(name, args[0] if args else object())

        return hook

    leaves = [(name, module) for name, module in network.named_modules() if not list(module.children())]
    handles = [module.register_forward_pre_hook(note(name)) for name, module in leaves]
    try:
        with evaluating(network):
            network(batch)
    finally:
        for handle in handles:
            handle.remove()
    return called, inputs


def _last_activation(called: list[tuple[str, nn.Module]]) -> Activation | None:
    return next((found for _, module in reversed(called) if (found := activation_of(module)) is not None), None)


def _is_leaky(activation: Activation | None) -> TypeGuard[Activation]:
    return activation is not None and activation.component_name() in ("leaky_relu", "prelu")


def _kind(module: nn.Module) -> Kind:
    if isinstance(module, nn.Linear):
        return "linear"
    return "conv_transpose" if "Transpose" in type(module).__name__ else "conv"
