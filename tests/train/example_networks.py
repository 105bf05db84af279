"""Networks to stack: those of the catalog, and some written by hand in the layers that people use."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from initbench.activations import ACTIVATIONS
from initbench.layers import seed_dropout
from initbench.networks import NETWORKS, Network

CLASSES = 3


@dataclass(frozen=True)
class Example:
    """A network's recipe and the shape of its inputs."""

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]

    def networks(self, replicas: int, dtype: torch.dtype = torch.float64) -> list[nn.Module]:
        """Networks that differ in every parameter, and in nothing else."""
        networks = [generic(self.build(), seed).to(dtype) for seed in range(replicas)]
        for seed, network in enumerate(networks):
            seed_dropout(network, seed)
        return networks

    def batch(self, groups: int, samples: int = 7, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
        """x [groups, samples, *shape] and class numbers y [groups, samples]."""
        rng = torch.Generator().manual_seed(99)
        x = torch.randn(groups, samples, *self.shape, generator=rng, dtype=dtype)
        return x, torch.randint(CLASSES, (groups, samples), generator=rng)


def generic(network: nn.Module, seed: int) -> nn.Module:
    """Draw every parameter anew, biases, scales and slopes too, at a scale that keeps signals alive."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in network.parameters():
            std = 1.4 / p[0].numel() ** 0.5 if p.dim() > 1 else 0.5
            p.copy_(torch.randn(p.shape, generator=rng) * std + (0.0 if p.dim() > 1 else 0.3))
    return network


def chain(**layers: nn.Module) -> nn.Module:
    """The layers one after another, by name."""
    return nn.Sequential(OrderedDict(layers))


def act(name: str = "tanh") -> nn.Module:
    """A new activation layer of the catalog."""
    return ACTIVATIONS[name]().layer()


class Residual(nn.Module):
    """x + branch(x), normalized before, then an average over the image."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.inner = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.outer = nn.Conv2d(4, 4, 3, padding=1, groups=2)
        self.act = act("gelu")
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.output = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.stem(x))
        x = x + self.outer(self.act(self.inner(functional.relu(self.norm(x)))))
        return self.output(torch.flatten(self.pool(x), 1))


class ResidualVectors(nn.Module):
    """Two residual branches on vectors, one of them scaled, with one activation module for all."""

    def __init__(self) -> None:
        super().__init__()
        self.output = nn.Linear(5, CLASSES)  # registered first, called last
        self.stem = nn.Linear(4, 5)
        self.norm = nn.LayerNorm(5)
        self.first = nn.Linear(5, 5)
        self.second = nn.Linear(5, 5)
        self.act = act("relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.stem(x))
        x = x + 0.5 * self.first(self.norm(x))
        x = torch.add(x, self.second(torch.tanh(x)))
        return self.output(self.act(x).flatten(1))


class Recurrent(nn.Module):
    """A layer, and its activation, that are called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.again, self.output = nn.Linear(4, 5), nn.Linear(5, 5), nn.Linear(5, CLASSES)
        self.act = act("tanh")

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.enter(x))
        x = self.act(self.again(self.act(self.again(x))))
        return self.output(x)


HAND_BUILT = {
    "one linear layer": Example(lambda: chain(output=nn.Linear(4, CLASSES)), (4,)),
    "linear layers without biases": Example(
        lambda: chain(layer1=nn.Linear(4, 6, bias=False), act=act(), output=nn.Linear(6, CLASSES, bias=False)), (4,)
    ),
    "batch norm of vectors": Example(
        lambda: chain(layer1=nn.Linear(4, 6), norm=nn.BatchNorm1d(6), act=act("relu"), output=nn.Linear(6, CLASSES)),
        (4,),
    ),
    "batch norm without scales": Example(
        lambda: chain(
            layer1=nn.Linear(4, 6), norm=nn.BatchNorm1d(6, affine=False, momentum=0.3), act=act(),
            layer2=nn.Linear(6, 6), norm2=nn.BatchNorm1d(6, track_running_stats=False), output=nn.Linear(6, CLASSES),
        ),
        (4,),
    ),
    "batch norm of images": Example(
        lambda: chain(
            layer1=nn.Conv2d(3, 4, 3), norm=nn.BatchNorm2d(4), act=act("relu"), pool=nn.MaxPool2d(2),
            flatten=nn.Flatten(), output=nn.Linear(16, CLASSES),
        ),
        (3, 6, 6),
    ),
    "layer norm": Example(
        lambda: chain(layer1=nn.Linear(4, 6), norm=nn.LayerNorm(6), act=act("selu"), output=nn.Linear(6, CLASSES)),
        (4,),
    ),
    "layer norm of the inputs": Example(
        lambda: chain(norm=nn.LayerNorm(4), layer1=nn.Linear(4, 6), act=act(), output=nn.Linear(6, CLASSES)), (4,)
    ),
    "group norm": Example(
        lambda: chain(
            layer1=nn.Conv2d(3, 6, 3), norm=nn.GroupNorm(2, 6), act=act(), flatten=nn.Flatten(),
            output=nn.Linear(96, CLASSES),
        ),
        (3, 6, 6),
    ),
    "grouped, strided and dilated convolutions": Example(
        lambda: chain(
            layer1=nn.Conv2d(4, 8, 3, groups=2, stride=2, padding=1), act1=act(),
            layer2=nn.Conv2d(8, 8, 3, groups=8, padding=2, dilation=2), act2=act(),
            pool=nn.AvgPool2d(2), flatten=nn.Flatten(), output=nn.Linear(32, CLASSES),
        ),
        (4, 8, 8),
    ),
    "circular convolutions": Example(
        lambda: chain(
            layer1=nn.Conv2d(3, 4, (3, 5), padding=(1, 2), padding_mode="circular"), act1=act("softplus"),
            layer2=nn.Conv2d(4, 4, 3, padding="same", padding_mode="circular", groups=2), act2=act("silu"),
            pool=nn.AdaptiveAvgPool2d(2), flatten=nn.Flatten(), output=nn.Linear(16, CLASSES),
        ),
        (3, 6, 6),
    ),
    "convolutions of sequences": Example(
        lambda: chain(
            layer1=nn.Conv1d(3, 4, 3, padding=1), norm=nn.BatchNorm1d(4), act1=act("elu"),
            layer2=nn.Conv1d(4, 4, 3, padding="same"), pool=nn.MaxPool1d(2), flatten=nn.Flatten(),
            output=nn.Linear(12, CLASSES),
        ),
        (3, 6),
    ),
    "a slope for each channel": Example(
        lambda: chain(
            layer1=nn.Conv2d(3, 4, 3), act1=nn.PReLU(4), flatten=nn.Flatten(), layer2=nn.Linear(64, 6),
            act2=nn.PReLU(6), layer3=nn.Linear(6, 6), act3=nn.PReLU(), output=nn.Linear(6, CLASSES),
        ),
        (3, 6, 6),
    ),
    "one slope for all channels": Example(
        lambda: chain(
            layer1=nn.Conv2d(3, 4, 3), act1=nn.PReLU(), flatten=nn.Flatten(), output=nn.Linear(64, CLASSES)
        ),
        (3, 6, 6),
    ),
    "an activation before all weights": Example(
        lambda: chain(
            act0=act("relu"), layer1=nn.Conv2d(3, 4, 3), act1=act("relu"), flatten=nn.Flatten(),
            output=nn.Linear(64, CLASSES),
        ),
        (3, 6, 6),
    ),
    "residual blocks of images": Example(Residual, (3, 6, 6)),
    "residual blocks of vectors": Example(ResidualVectors, (4,)),
    "layers called twice": Example(Recurrent, (4,)),
}  # fmt: skip

BUILT_IN: list[tuple[Network, tuple[int, ...]]] = [
    (NETWORKS["mlp"](depth=4, width=6), (5,)),
    (NETWORKS["mlp"](hidden=(7, 4)), (1, 3, 3)),
    (NETWORKS["cnn"](depth=4, channels=4, strides=(2,)), (3, 7, 7)),
    (NETWORKS["cnn"](depth=3, channels=4, padding="circular", head="flatten"), (1, 8, 6)),
    (NETWORKS["mlp"](depth=4, width=6, norm="batch"), (5,)),
    (NETWORKS["mlp"](depth=4, width=6, norm="layer", dropout=0.3), (5,)),
    (NETWORKS["cnn"](depth=4, channels=4, norm="batch", dropout=0.3), (3, 7, 7)),
    (NETWORKS["cnn"](depth=3, channels=4, norm="layer", head="flatten"), (1, 8, 6)),
    (NETWORKS["resnet"](depth=6, width=6, multipliers=True), (5,)),
    (NETWORKS["resnet"](depth=6, channels=4, order="post", norm="batch", stages=2, dropout=0.3), (1, 8, 6)),
]

CATALOG = {
    f"{network.label}, {name}": Example(partial(network.build, shape, CLASSES, ACTIVATIONS[name]()), shape)
    for network, shape in BUILT_IN
    for name in ACTIVATIONS
}

EVERY_NETWORK = CATALOG | HAND_BUILT
SOME_NETWORKS = {name: e for name, e in CATALOG.items() if name.endswith((" relu", " prelu"))} | HAND_BUILT
