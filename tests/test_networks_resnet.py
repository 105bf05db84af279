"""Residual networks: how depth is counted, where branches are, and that stacks reproduce every variant."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from stack_agreement import batch, largest_difference, networks
from torch import nn
from trained import trained, trials

from initbench.activations import ACTIVATIONS
from initbench.inits import INITS, FillContext
from initbench.layers import ResidualBlock, Scale, Shift, seed_dropout
from initbench.networks import NETWORKS
from initbench.seeding import generator
from initbench.sites import Branch, survey
from initbench.train.stack import BatchedStack, stack

RESNET = NETWORKS["resnet"]
SHAPES = {"dense": (5,), "conv": (2, 8, 8)}
SMALL = {"width": 6, "channels": 4}
every_kind = pytest.mark.parametrize("kind", list(SHAPES))
every_order = pytest.mark.parametrize("order", ["pre", "post"])


def build(inputs: str, activation: str = "tanh", **options: object) -> nn.Module:
    return RESNET(**(SMALL | options)).build(SHAPES[inputs], 3, ACTIVATIONS[activation]())


@pytest.mark.parametrize(("depth", "branch"), [(3, 1), (4, 2), (10, 2), (11, 3), (56, 2)])
@every_kind
def test_depth_counts_the_weight_layers(kind: str, depth: int, branch: int) -> None:
    sites = survey(build(kind, depth=depth, branch=branch), batch(*SHAPES[kind]).x[0].float())
    assert len(sites) == depth
    assert (sites[0].layer, sites[-1].layer) == ("stem", "output")


@pytest.mark.parametrize(
    ("depth", "branch", "advice"), [(2, 2, "4"), (3, 2, "4"), (5, 2, "4 or 6"), (12, 3, "11 or 14"), (1, 1, "3")]
)
def test_a_depth_that_is_no_whole_number_of_blocks_is_refused_with_the_nearest(
    depth: int, branch: int, advice: str
) -> None:
    with pytest.raises(ValueError, match=rf"give depth {advice}\b"):
        RESNET(depth=depth, branch=branch)


def test_more_stages_than_blocks_or_than_the_image_can_be_halved_are_refused() -> None:
    with pytest.raises(ValueError, match="3 stages need as many blocks, and depth 6 has 2"):
        RESNET(depth=6, stages=3)
    with pytest.raises(ValueError, match="4 stages halve an image of side 4 more often"):
        RESNET(depth=10, stages=4).build((2, 8, 8), 3, ACTIVATIONS["relu"]())


def test_images_get_convolutions_unless_asked_otherwise_and_vectors_cannot_have_them() -> None:
    kinds = {name: survey(build("conv", kind=name), torch.zeros(2, 2, 8, 8))[1].kind for name in (None, "dense")}
    assert kinds == {None: "conv", "dense": "linear"}
    with pytest.raises(ValueError, match=r"reads images of shape \[channels, height, width\], not \[5\]"):
        build("dense", kind="conv")


def test_stages_halve_the_image_between_blocks() -> None:
    network = build("conv", depth=10, stages=3, stride=1)
    seen: list[int] = []
    for block in (module for module in network.modules() if isinstance(module, ResidualBlock)):
        block.register_forward_hook(lambda _m, _x, y: seen.append(y.shape[-1]))
    network(torch.zeros(2, 2, 8, 8))
    assert seen == [8, 4, 2, 2]


@every_order
@every_kind
def test_each_block_adds_its_branch_to_the_signal(kind: str, order: str) -> None:
    network = build(kind, order=order)
    block = network.get_submodule("block1")
    seen: dict[str, torch.Tensor] = {}
    block.register_forward_hook(lambda _m, x, y: seen.update(x=x[0], y=y))
    block.branch.register_forward_hook(lambda _m, _x, y: seen.update(branch=y))
    network(batch(*SHAPES[kind]).x[0].float())
    assert torch.equal(seen["y"], seen["x"] + seen["branch"])


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_the_two_orders_are_those_of_the_papers(norm: str) -> None:
    between = ["norm"] if norm == "batch" else []

    def roles(module: nn.Module) -> list[str]:
        return [name.rstrip("123").removesuffix("_stem").removesuffix("_output") for name, _ in module.named_children()]

    pre, post = (build("dense", depth=4, order=order, norm=norm) for order in ("pre", "post"))
    assert roles(pre.block1.branch) == [*between, "activation", "layer", *between, "activation", "layer"]
    assert roles(post.block1.branch) == ["layer", *between, "activation", "layer", *between]
    assert roles(pre) == ["flatten", "stem", "block", *between, "activation", "output"]
    assert roles(post) == ["flatten", "stem", *between, "activation", "block", "activation", "output"]


@every_order
@every_kind
def test_a_survey_finds_the_branches(kind: str, order: str) -> None:
    network = build(kind, depth=8, branch=3, order=order, multipliers=True)
    sites = survey(network, batch(*SHAPES[kind]).x[0].float())
    names = [f"block{index + 1}.branch.scale.weight" for index in (0, 1)]
    expected = [Branch(index, 2, position, 3, names[index]) for index in (0, 1) for position in (0, 1, 2)]
    assert [site.branch for site in sites] == [None, *expected, None]
    assert [site.index for site in sites if site.ends_branch] == [3, 6]
    assert all(isinstance(network.get_submodule(name.removesuffix(".weight")), Scale) for name in names)


def test_a_branch_inside_a_branch_is_the_one_that_counts() -> None:
    inner = ResidualBlock(nn.Linear(4, 4))
    network = nn.Sequential(nn.Linear(4, 4), ResidualBlock(nn.Sequential(nn.Linear(4, 4), inner, nn.Linear(4, 4))))
    sites = survey(network, torch.zeros(2, 4))
    assert [site.branch for site in sites] == [None, Branch(0, 2, 0, 2), Branch(1, 2, 0, 1), Branch(0, 2, 1, 2)]


def test_a_plain_network_has_no_branches() -> None:
    network = NETWORKS["mlp"](norm="batch").build((5,), 3, ACTIVATIONS["relu"]())
    sites = survey(network, torch.zeros(2, 5))
    assert not any(site.branch or site.ends_branch for site in sites)
    assert [site.normalized for site in sites] == [True] * 4 + [False]


@every_order
def test_offsets_stand_before_each_layer_and_activation_and_take_the_place_of_biases(order: str) -> None:
    network = build("dense", depth=4, order=order, multipliers=True)
    called = [type(module) for module in network.modules() if not list(module.children())]
    needing = {nn.Linear, type(ACTIVATIONS["tanh"]().layer())}
    behind_stem = called[called.index(nn.Linear) + 1 :]
    pairs = pairwise(behind_stem)
    assert all(before is Shift for before, layer in pairs if layer in needing)
    assert [name for name, _ in network.named_parameters() if name.endswith("layer1.bias")] == []
    assert network.output.bias is not None


def test_names_do_not_depend_on_the_depth() -> None:
    shallow, deep = (dict(build("dense", depth=depth).named_parameters()) for depth in (6, 12))
    assert shallow.keys() < deep.keys()
    assert all(deep[name].shape == value.shape for name, value in shallow.items())


VARIANTS: list[dict[str, object]] = [
    {"branch": 1, "depth": 4},
    {"activation": "prelu", "multipliers": True},
    {"norm": "batch"},
    {"norm": "layer", "multipliers": True},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@every_order
@every_kind
def test_the_batched_form_trains_and_measures_as_the_loop_does(
    kind: str, order: str, variant: dict[str, object]
) -> None:
    options = {"depth": 6, "stages": 2, "stride": 1} | variant | {"order": order}
    assert largest_difference(lambda: networks(lambda: build(kind, **options)), *SHAPES[kind]) < 1e-10


@every_order
@every_kind
def test_the_batched_form_drops_what_the_loop_drops(kind: str, order: str) -> None:
    def made() -> list[nn.Module]:
        drawn = networks(lambda: build(kind, depth=6, order=order, dropout=0.3))
        for seed, network in enumerate(drawn):
            seed_dropout(network, seed)
        return drawn

    assert largest_difference(made, *SHAPES[kind]) < 1e-10


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
@every_kind
def test_a_residual_network_takes_the_batched_form(kind: str, norm: str) -> None:
    made = [network.float() for network in networks(lambda: build(kind, norm=norm, multipliers=True, dropout=0.1))]
    assert isinstance(stack(made, batch(*SHAPES[kind]).x[0].float()), BatchedStack)


def test_with_he_each_branch_doubles_the_signal() -> None:
    """A branch before activation halves the second moment twice and He doubles it twice: x + F(x) has 2 E[x²]."""
    width, blocks, seeds, samples = 512, 5, 8, 64
    x = torch.randn(samples, width, generator=generator(0, "test"))
    growth = []
    for seed in range(seeds):
        network = RESNET(depth=2 + 2 * blocks, width=width).build((width,), 3, ACTIVATIONS["relu"]())
        INITS["he"]().fill(network, FillContext(seed, survey(network, x[:2]), x))
        moments: list[float] = []
        for name in ("stem", f"block{blocks}"):
            network.get_submodule(name).register_forward_hook(
                lambda _m, _x, y, moments=moments: moments.append(float(y.var()))
            )
        with torch.no_grad():
            network(x)
        growth.append(math.log2(moments[1] / moments[0]))
    # A branch of two layers adds to log x² a variance of at most (5 + 5) / width, of which the sum sees a quarter;
    # samples of one network are correlated, so each network counts once. In bits, over the blocks, five sigma:
    sigma = math.sqrt(blocks * 10 / width / 4) / math.log(2) / math.sqrt(seeds)
    assert sum(growth) / seeds == pytest.approx(blocks, abs=5 * sigma)


def test_a_residual_network_trains_from_a_config(tmp_path: Path) -> None:
    network = "network: {name: resnet, depth: 6, width: 16, norm: layer, multipliers: true, dropout: 0.1}\n"
    records = trained(trials(tmp_path, network + "init: [he, orthogonal]\nseeds: 2\n"), tmp_path)
    assert set(records.outcomes["status"]) == {"finished"}
    assert list(records.layers["name"].unique()) == [
        "stem", "block1.branch.layer1", "block1.branch.layer2", "block2.branch.layer1", "block2.branch.layer2", "output"
    ]  # fmt: skip
