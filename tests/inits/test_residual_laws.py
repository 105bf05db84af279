"""Schemes for residual networks against their papers: what starts at zero, what is scaled, how the signal grows."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from initbench.activations import ACTIVATIONS
from initbench.inits import INITS, FillContext, Init
from initbench.layers import ResidualBlock, Scale, Shift
from initbench.networks import NETWORKS
from initbench.seeding import generator
from initbench.sites import Site, survey

WIDTH = 256
SAMPLES = 64
NAMES = ("fixup", "skipinit", "rezero", "depth_scaled")


def residual(depth: int = 10, branch: int = 2, **options: object) -> nn.Module:
    network = NETWORKS["resnet"](**({"depth": depth, "branch": branch, "width": WIDTH, "multipliers": True} | options))
    return network.build((WIDTH,), 10, ACTIVATIONS["relu"]())


def inputs() -> Tensor:
    return torch.randn(SAMPLES, WIDTH, generator=generator(0, "test"))


def filled(init: Init, network: nn.Module, seed: int = 0) -> tuple[Site, ...]:
    sites = survey(network, inputs())
    init.fill(network, FillContext(seed=seed, sites=sites, batch=inputs()))
    return sites


def blocks(network: nn.Module) -> list[ResidualBlock]:
    return [module for module in network.modules() if isinstance(module, ResidualBlock)]


def relative_std(network: nn.Module, site: Site) -> float:
    """The weight's standard deviation in units of He's."""
    return network.get_parameter(site.weight).std().item() / math.sqrt(2 / site.fan_in)


def five_sigma(site: Site) -> float:
    """Of the relative error of a sample's standard deviation."""
    return 5 / math.sqrt(2 * math.prod(site.shape))


@pytest.mark.parametrize("order", ["pre", "post"])
@pytest.mark.parametrize("name", ["fixup", "skipinit", "rezero"])
def test_at_first_every_block_is_the_identity(name: str, order: str) -> None:
    network = residual(order=order)
    filled(INITS[name](), network)
    seen: list[tuple[Tensor, Tensor]] = []
    for block in blocks(network):
        block.register_forward_hook(lambda _m, x, y: seen.append((x[0], y)))
    network(inputs())
    assert len(seen) == 4
    assert all(torch.equal(x, y) and x.std() > 0.1 for x, y in seen)


@pytest.mark.parametrize(("branch", "exponent"), [(2, -1 / 2), (3, -1 / 4), (4, -1 / 6)])
def test_fixup_scales_the_layers_of_a_branch_by_the_power_of_the_paper(branch: int, exponent: float) -> None:
    count = 12 // branch
    network = residual(depth=14, branch=branch)
    for site in filled(INITS["fixup"](), network):
        if site.ends_branch or site.is_output:
            assert not network.get_parameter(site.weight).any()
        else:
            factor = count**exponent if site.branch else 1.0
            assert relative_std(network, site) == pytest.approx(factor, rel=five_sigma(site))


def test_fixup_sets_branches_of_one_layer_to_zero() -> None:
    network = residual(depth=4, branch=1)
    ends = [site.weight for site in filled(INITS["fixup"](), network) if site.ends_branch]
    assert len(ends) == 2
    assert not any(network.get_parameter(name).any() for name in ends)


def test_fixup_can_leave_the_output_layer_its_weights() -> None:
    network = residual()
    *_, output = filled(INITS["fixup"](zero_output=False), network)
    assert relative_std(network, output) == pytest.approx(1, rel=five_sigma(output))


@pytest.mark.parametrize(
    ("init", "factor"),
    [("fixup", 1.0), ("skipinit", 0.0), ("rezero", 0.0), ("depth_scaled", 1.0)],
)
def test_factors_and_scalar_biases_start_where_the_papers_say(init: str, factor: float) -> None:
    network = residual()
    for module in network.modules():
        if isinstance(module, Scale):
            nn.init.constant_(module.weight, 7.0)
    filled(INITS[init](), network)
    scales = [module.weight.item() for module in network.modules() if isinstance(module, Scale)]
    assert scales == [factor] * 4
    assert not any(module.bias.any() for module in network.modules() if isinstance(module, Shift))


def test_skipinit_can_start_at_the_inverse_root_of_the_number_of_branches() -> None:
    network = residual()
    filled(INITS["skipinit"](alpha="inverse_root_depth"), network)
    scales = [module.weight.item() for module in network.modules() if isinstance(module, Scale)]
    assert scales == pytest.approx([1 / math.sqrt(4)] * 4)


def test_rezero_keeps_the_signal_inside_of_branches_for_any_activation() -> None:
    network = NETWORKS["resnet"](depth=4, width=WIDTH, multipliers=True).build((WIDTH,), 10, ACTIVATIONS["tanh"]())
    stem, first, second, output = filled(INITS["rezero"](), network)
    for site, gain in ((stem, 1.0), (first, 1.592537), (second, 1.592537), (output, 1.592537)):
        std = network.get_parameter(site.weight).std().item() * math.sqrt(site.fan_in)
        assert std == pytest.approx(gain, rel=five_sigma(site))


def test_depth_scaled_divides_the_ends_of_branches_alone() -> None:
    network = residual(multipliers=False)
    for site in filled(INITS["depth_scaled"](), network):
        factor = 1 / math.sqrt(4) if site.ends_branch else 1.0
        assert relative_std(network, site) == pytest.approx(factor, rel=five_sigma(site))


@pytest.mark.parametrize(
    ("init", "growth"), [("he", 2.0**8), ("depth_scaled", (1 + 1 / 8) ** 8), ("fixup", 1.0), ("rezero", 1.0)]
)
def test_the_signal_grows_over_eight_branches_as_predicted(init: str, growth: float) -> None:
    """He's weights double it in each branch, 1/√L adds a share 1/L, and branches that end in zero add nothing."""
    logs = []
    for seed in range(6):
        network = residual(depth=18)
        filled(INITS[init](), network, seed)
        seen: list[Tensor] = []
        network.get_submodule("stem").register_forward_hook(lambda _m, _x, y, seen=seen: seen.append(y))
        blocks(network)[-1].register_forward_hook(lambda _m, _x, y, seen=seen: seen.append(y))
        with torch.no_grad():
            network(inputs())
        before, after = (float(y.square().mean()) for y in seen)
        logs.append(math.log(after / before))
    # Each branch adds to log x² a variance of at most 10 / width / 4 (see the networks' own test), each network counts
    # once since its samples are correlated; five sigma of the mean over six networks.
    sigma = math.sqrt(8 * 10 / WIDTH / 4 / 6) if growth > 1 else 1e-6
    assert sum(logs) / 6 == pytest.approx(math.log(growth), abs=5 * sigma)


@pytest.mark.parametrize("init", ["fixup", "skipinit", "rezero"])
def test_fifty_branches_train_where_he_explodes(init: str) -> None:
    def losses(scheme: Init) -> list[float]:
        network = residual(depth=102, width=32)
        rng = generator(1, "test")
        x = torch.randn(SAMPLES, WIDTH, generator=rng)
        y = torch.randint(10, (SAMPLES,), generator=rng)
        scheme.fill(network, FillContext(0, survey(network, x), x))
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
        seen = []
        for _ in range(20):
            loss = functional.cross_entropy(network(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.append(loss.item())
        return seen

    ours = losses(INITS[init]())
    assert ours[-1] < 0.9 * ours[0] < 10
    assert not losses(INITS["he"]())[0] < 1e6


@pytest.mark.parametrize("name", NAMES)
def test_a_network_without_branches_is_refused(name: str) -> None:
    network = NETWORKS["mlp"]().build((WIDTH,), 10, ACTIVATIONS["relu"]())
    with pytest.raises(ValueError, match=rf"^{name} needs residual branches \(network: resnet\), found none$"):
        filled(INITS[name](), network)


@pytest.mark.parametrize("name", ["skipinit", "rezero"])
def test_branches_without_factors_are_refused_by_schemes_that_live_off_them(name: str) -> None:
    with pytest.raises(ValueError, match=rf"^{name} needs a trained factor on each branch .* found none$"):
        filled(INITS[name](), residual(multipliers=False))


def test_fixup_goes_without_factors_but_is_concerned() -> None:
    network = residual(multipliers=False, norm="layer")
    sites = filled(INITS["fixup"](), network)
    assert INITS["fixup"]().concerns(sites) == (
        "fixup assumes a trained factor on each branch (network: 'resnet[multipliers=true]'), found none",
        "fixup assumes no normalization layers, found some",
    )


@pytest.mark.parametrize(
    ("init", "activation", "concern"),
    [
        ("lecun", "relu", "lecun assumes the activation selu or linear, found relu"),
        ("he", "tanh", "he assumes the activation relu, leaky_relu or prelu, found tanh"),
        ("xavier", "selu", "xavier assumes the activation tanh, softsign or linear, found selu"),
        ("lecun", "selu", None),
        ("he", "prelu", None),
        ("xavier", "tanh", None),
        ("orthogonal", "gelu", None),
    ],
)
def test_a_scheme_is_concerned_about_an_activation_it_was_not_made_for(
    init: str, activation: str, concern: str | None
) -> None:
    network = NETWORKS["mlp"]().build((WIDTH,), 10, ACTIVATIONS[activation]())
    assert INITS[init]().concerns(survey(network, inputs())) == ((concern,) if concern else ())
