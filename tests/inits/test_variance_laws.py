"""Random schemes against the formulas of their papers: variance, shape of the distribution, and biases.

The sample standard deviation of n values has a relative error of √((κ - 1) / 4n), κ the kurtosis: at most 1/√(2n) for
the normal, uniform and truncated normal distributions. Five of those, on n near 40 000, is below 2 %: a fan_in taken
for a fan_out or a forgotten factor 2 is far outside.
"""

import math
from dataclasses import replace

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from initbench.activations import ACTIVATIONS
from initbench.inits import INITS, FillContext, Init
from initbench.seeding import generator
from initbench.sites import Site, survey

# (site, fan_in, fan_out), the fans counted by hand
SITES = {
    "linear": (Site((400, 100)), 100, 400),
    "conv": (Site((128, 32, 3, 3), kind="conv"), 32 * 9, 128 * 9),
    "grouped": (Site((128, 32, 3, 3), kind="conv", groups=4), 32 * 9, 32 * 9),
    "depthwise": (Site((4096, 1, 3, 3), kind="conv", groups=1024), 9, 4 * 9),
    "transposed": (Site((32, 128, 3, 3), kind="conv_transpose"), 32 * 9, 128 * 9),
    "grouped_transposed": (Site((128, 16, 3, 3), kind="conv_transpose", groups=4), 32 * 9, 16 * 9),
}
every_site = pytest.mark.parametrize(("site", "fan_in", "fan_out"), SITES.values(), ids=list(SITES))
every_distribution = pytest.mark.parametrize("distribution", ["normal", "uniform", "truncated_normal"])


def drawn(init: Init, site: Site, seed: int = 0) -> Tensor:
    return init.weight(site, generator(seed, "test", init.label))


def assert_std(weight: Tensor, std: float, mean: float = 0.0) -> None:
    count = weight.numel()
    assert weight.double().std().item() == pytest.approx(std, rel=5 / math.sqrt(2 * count))
    assert weight.double().mean().item() == pytest.approx(mean, abs=5 * std / math.sqrt(count))


def with_activation(site: Site, name: str, **options: float) -> Site:
    return Site(site.shape, kind=site.kind, groups=site.groups, before=ACTIVATIONS[name](**options))


@every_distribution
@every_site
def test_he_has_variance_two_over_fan_in(site: Site, fan_in: int, fan_out: int, distribution: str) -> None:
    assert_std(drawn(INITS["he"](distribution=distribution), site), math.sqrt(2 / fan_in))


@every_site
def test_he_by_fan_out_has_variance_two_over_fan_out(site: Site, fan_in: int, fan_out: int) -> None:
    assert_std(drawn(INITS["he"](mode="fan_out"), site), math.sqrt(2 / fan_out))


@pytest.mark.parametrize(
    ("activation", "options", "factor"),
    [
        ("relu", {}, 2),
        ("tanh", {}, 2),
        ("selu", {}, 2),
        ("linear", {}, 2),
        ("leaky_relu", {"slope": 0.5}, 2 / 1.25),
        ("prelu", {"slope": 0.5}, 2 / 1.25),
    ],
)
def test_he_is_literal_and_knows_leaky_slopes_only(activation: str, options: dict, factor: float) -> None:
    site = with_activation(Site((400, 100)), activation, **options)
    assert_std(drawn(INITS["he"](), site), math.sqrt(factor / 100))


@every_distribution
@every_site
def test_xavier_has_variance_two_over_the_sum_of_fans(site: Site, fan_in: int, fan_out: int, distribution: str) -> None:
    assert_std(drawn(INITS["xavier"](distribution=distribution), site), math.sqrt(2 / (fan_in + fan_out)))


def test_the_gain_of_xavier_multiplies_its_weights() -> None:
    assert_std(drawn(INITS["xavier"](gain=5 / 3), Site((400, 100))), 5 / 3 * math.sqrt(2 / 500))


@every_distribution
@every_site
def test_lecun_has_variance_one_over_fan_in(site: Site, fan_in: int, fan_out: int, distribution: str) -> None:
    assert_std(drawn(INITS["lecun"](distribution=distribution), site), math.sqrt(1 / fan_in))


def test_lecun_by_fan_out_has_variance_one_over_fan_out() -> None:
    assert_std(drawn(INITS["lecun"](mode="fan_out"), Site((400, 100))), math.sqrt(1 / 400))


@every_distribution
@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 100), ("fan_out", 400), ("fan_avg", 250)])
def test_variance_scaling_divides_its_scale_by_the_fan(mode: str, fan: int, distribution: str) -> None:
    init = INITS["variance_scaling"](scale=3.0, mode=mode, distribution=distribution)
    assert_std(drawn(init, Site((400, 100))), math.sqrt(3 / fan))


@every_site
def test_dynamic_is_kaiming_uniform_times_its_factor(site: Site, fan_in: int, fan_out: int) -> None:
    weight = drawn(INITS["dynamic"](), site)
    assert_std(weight, 1.5 * math.sqrt(2 / fan_in))
    assert_is(weight, stats.uniform(loc=-1.5 * math.sqrt(6 / fan_in), scale=3 * math.sqrt(6 / fan_in)))


@every_site
def test_mup_is_lecun_in_hidden_layers_and_shrinks_with_the_width_at_the_output(
    site: Site, fan_in: int, fan_out: int
) -> None:
    init = INITS["mup"](gain=1.2, base_width=64)
    hidden, output = replace(site, index=0, count=2), replace(site, index=1, count=2)
    assert_std(drawn(init, hidden), 1.2 / math.sqrt(fan_in))
    assert_std(drawn(init, output), 8 / fan_in)


def test_normal_and_uniform_do_not_look_at_the_fans() -> None:
    assert_std(drawn(INITS["normal"](std=0.02, mean=0.01), Site((400, 100))), 0.02, mean=0.01)
    weight = drawn(INITS["uniform"](bound=0.3), Site((400, 100)))
    assert_is(weight, stats.uniform(loc=-0.3, scale=0.6))


def assert_is(weight: Tensor, distribution: object) -> None:
    """The Kolmogorov-Smirnov test at a level that one run in a million fails."""
    assert stats.kstest(weight.double().flatten().numpy(), distribution.cdf).pvalue > 1e-6


def test_normal_draws_are_normal() -> None:
    assert_is(drawn(INITS["lecun"](distribution="normal"), Site((400, 100))), stats.norm(scale=0.1))


def test_uniform_draws_fill_root_three_standard_deviations() -> None:
    bound = 0.1 * math.sqrt(3)
    weight = drawn(INITS["lecun"](distribution="uniform"), Site((400, 100)))
    assert_is(weight, stats.uniform(loc=-bound, scale=2 * bound))


def test_truncated_draws_stop_at_two_standard_deviations_of_a_widened_parent() -> None:
    parent = 0.1 / stats.truncnorm(-2, 2).std()
    weight = drawn(INITS["lecun"](distribution="truncated_normal"), Site((400, 100)))
    assert weight.abs().max().item() <= 2 * parent * (1 + 1e-6)
    assert_is(weight, stats.truncnorm(-2, 2, scale=parent))


TORCH_LAYERS = [
    nn.Linear(100, 400),
    nn.Conv2d(32, 128, 3),
    nn.Conv2d(128, 128, 3, groups=4),
    nn.ConvTranspose2d(32, 128, 3),
    nn.ConvTranspose2d(128, 64, 3, groups=4),
]


@pytest.mark.parametrize("layer", TORCH_LAYERS, ids=str)
def test_torch_default_is_the_distribution_of_a_fresh_layer(layer: nn.Module) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(0)
        layer.reset_parameters()  # the reference: PyTorch itself
    weight, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    fill_alone(INITS["torch_default"](), layer)
    # The largest of n uniform values lies within 20/n of the bound but for one case in e^20.
    for ours, theirs in ((layer.weight.detach(), weight), (layer.bias.detach(), bias)):
        slack = 20 / ours.numel() + 1e-6
        assert ours.abs().max().item() == pytest.approx(theirs.abs().max().item(), rel=slack)
        assert stats.ks_2samp(ours.flatten().numpy(), theirs.flatten().numpy()).pvalue > 1e-6


def fill_alone(init: Init, layer: nn.Module) -> None:
    network = nn.Sequential(layer)
    batch = (
        torch.zeros(2, layer.in_features) if isinstance(layer, nn.Linear) else torch.zeros(2, layer.in_channels, 5, 5)
    )
    init.fill(network, FillContext(seed=0, sites=survey(network, batch), batch=batch))


def test_torch_default_biases_reach_the_bound_of_their_layer() -> None:
    layer = nn.Linear(100, 40_000)
    fill_alone(INITS["torch_default"](), layer)
    assert_is(layer.bias.detach(), stats.uniform(loc=-0.1, scale=0.2))


@pytest.mark.parametrize(
    ("site", "both_fans"),
    [
        (Site((400, 100)), 500),
        (Site((128, 32, 3, 3), kind="conv"), 9 * 160),
        (Site((128, 32, 3, 3), kind="conv", groups=4), 9 * 160),  # Keras: kernel (3, 3, 32, 128)
        (Site((32, 128, 3, 3), kind="conv_transpose"), 9 * 160),
    ],
)
def test_keras_default_is_glorot_uniform_with_the_fans_of_keras(site: Site, both_fans: int) -> None:
    bound = math.sqrt(6 / both_fans)
    assert_is(drawn(INITS["keras_default"](), site), stats.uniform(loc=-bound, scale=2 * bound))
