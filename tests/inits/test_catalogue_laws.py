"""The schemes of single papers against their formulas: critical, row-normalized, asymmetric, and two more dialects."""

import math
import statistics
from itertools import pairwise

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from initbench.activations import ACTIVATIONS
from initbench.inits import INITS, FillContext, Init
from initbench.seeding import generator
from initbench.sites import Site, survey


def drawn(init: Init, site: Site, seed: int = 0) -> Tensor:
    return init.weight(site, generator(seed, "test", init.label))


def filled_layers(
    init: Init, activation: str, widths: tuple[int, ...], seed: int = 0, **options: float
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation](**options).layer()]
    network, batch = nn.Sequential(*layers[:-1]), torch.ones(2, widths[0])
    init.fill(network, FillContext(seed=seed, sites=survey(network, batch), batch=batch))
    return network


@pytest.mark.parametrize(
    ("activation", "options", "bias_variance", "weight_variance"),
    [
        ("tanh", {}, 0.01, 1.424205),
        ("tanh", {}, 0.05, 1.760955),
        ("tanh", {}, 0.1, 1.986073),
        ("tanh", {}, 2.01e-5, 1.05),  # the pair of Xiao et al. 2018
        ("relu", {}, 0.0, 2.0),
        ("leaky_relu", {"slope": 0.5}, 0.0, 1.6),
        ("linear", {}, 0.0, 1.0),
    ],
)
def test_critical_takes_the_weight_variance_of_the_critical_line(
    activation: str, options: dict, bias_variance: float, weight_variance: float
) -> None:
    init = INITS["critical"](bias_variance=bias_variance)
    # The published pair is rounded to three digits.
    assert init.weight_variance(ACTIVATIONS[activation](**options)) == pytest.approx(weight_variance, rel=2e-3)
    network = filled_layers(init, activation, (100, 400, 300), **options)
    for layer in (network[0], network[2]):
        weight = layer.weight.detach()
        expected = math.sqrt(weight_variance / layer.in_features)
        assert weight.std().item() == pytest.approx(expected, rel=5 / math.sqrt(2 * weight.numel()))
        bias_bound = 5 * math.sqrt(bias_variance / (2 * layer.out_features))
        assert layer.bias.detach().std().item() == pytest.approx(math.sqrt(bias_variance), abs=bias_bound)


def test_critical_keeps_the_gradient_of_a_wide_tanh_network() -> None:
    # χ₁ = 1: on average ten layers of weights keep the squared norm of a gradient. How far chance moves the ratio, to
    # first order in 1 / width, at the fixed point q of the critical line at bias variance 0.05:
    # - A layer multiplies one input's squared norm by a mean over its units of φ'(u)² x², x normal. The x, products of
    #   weights and gradient, add 2 k / width to the relative variance, k = E[φ'⁴] / E[φ'²]² = 1.34. Inputs with
    #   independent gradients have x of their own.
    # - The u add v / width, v = Var[φ'(u)² / E[φ'²] + λ φ(u)² / E[φ²]]. The second term stands for the layers above: a
    #   relative change of a layer's second moment moves that of its slopes, and so on. λ = w s / (1 - e) = -0.62 where
    #   w = 0.91 is the share of the weights in q, s = d log E[φ'²] / d log q = -0.33, and e = d log V / d log q = 0.52.
    #   Then v = 1.31; at worst all inputs of a network share the u.
    width, depth, inputs, networks = 500, 10, 20, 20
    q, k, v = 0.570048, 1.34, 1.31
    scatter = math.sqrt(depth / width * (2 * k / inputs + v) / networks)
    ratios = []
    for seed in range(networks):
        network = filled_layers(INITS["critical"](bias_variance=0.05), "tanh", (width,) * (depth + 2), seed=seed)
        z = math.sqrt(q) * torch.randn(inputs, width, generator=generator(seed, "input"))
        z.requires_grad_()
        sent = torch.randn(inputs, width, generator=generator(seed, "gradient"))
        nn.Sequential(*list(network)[1:])(z).backward(gradient=sent)  # from the first pre-activation on
        ratios.append((z.grad.square().sum() / sent.square().sum()).item())
    assert 5 * scatter < 0.2
    assert statistics.mean(ratios) == pytest.approx(1, abs=5 * scatter)


def test_critical_refuses_an_activation_without_a_critical_point() -> None:
    with pytest.raises(ValueError, match=r"relu has no critical point at bias_variance 0\.05"):
        filled_layers(INITS["critical"](bias_variance=0.05), "relu", (10, 10, 10))


@pytest.mark.parametrize(("keep", "norm"), [("forward", math.sqrt(2 * 50 / 80)), ("backward", math.sqrt(2))])
def test_rows_have_one_norm_exactly(keep: str, norm: float) -> None:
    norms = drawn(INITS["row_normalized"](keep=keep), Site((80, 50))).norm(dim=1)
    torch.testing.assert_close(norms, torch.full((80,), norm))


def test_row_directions_are_uniform_on_the_sphere() -> None:
    weight = drawn(INITS["row_normalized"](keep="backward"), Site((4000, 10))) / math.sqrt(2)
    # A coordinate of a uniform direction in n dimensions: (x + 1) / 2 ~ Beta((n - 1) / 2, (n - 1) / 2).
    law = stats.beta(4.5, 4.5, loc=-1, scale=2)
    assert stats.kstest(weight[:, 0].double().numpy(), law.cdf).pvalue > 1e-6


@pytest.mark.parametrize("shape", [(400, 100), (100, 400)])
def test_row_normalized_layers_keep_the_norm_through_relu(shape: tuple[int, int]) -> None:
    x = torch.randn(100, shape[1], generator=generator(0))
    weights = [drawn(INITS["row_normalized"](), Site(shape), seed=seed) for seed in range(20)]
    kept = torch.stack([torch.relu(x @ weight.T).square().sum() for weight in weights]) / x.square().sum()
    # Each of the 2 000 or more units adds a term of relative variance 5: √(5 / 2000) is 5 %, of which four.
    assert kept.mean().item() == pytest.approx(1, abs=0.2)


def rai_rows(fan_in: int, units: int) -> Tensor:
    layer = nn.Linear(fan_in, units)
    network, batch = nn.Sequential(layer), torch.ones(2, fan_in)
    INITS["randomized_asymmetric"]().fill(network, FillContext(seed=0, sites=survey(network, batch), batch=batch))
    return torch.cat([layer.weight.detach(), layer.bias.detach()[:, None]], dim=1)


def test_asymmetric_units_hold_one_beta_draw_among_normal_ones() -> None:
    rows = rai_rows(fan_in=10_000, units=500)
    largest, place = rows.max(dim=1)
    # Normal values have a standard deviation of 0.006 here: what exceeds 0.05 is a Beta(2, 1) draw, but for 0.25 %.
    betas = largest[largest > 0.05].double().numpy()
    assert len(betas) > 490
    assert stats.kstest(betas, stats.beta(2, 1).cdf).pvalue > 1e-6
    others = rows.scatter(1, place[:, None], 0.0)
    std = 0.6007 / math.sqrt(10_000)
    assert others.std().item() == pytest.approx(std, rel=5 / math.sqrt(2 * rows.numel()) + 1e-3)


def test_asymmetric_draws_fall_on_the_bias_as_often_as_on_a_weight() -> None:
    rows = rai_rows(fan_in=3, units=20_000)
    # With 3 weights and a bias each place has probability 1/4 of the Beta draw, and E = 2/3 there, 0 elsewhere.
    # The standard error of a mean of 20 000 values of variance below 0.25 is below 0.0036.
    torch.testing.assert_close(rows.mean(dim=0), torch.full((4,), 2 / 3 / 4), rtol=0, atol=5 * 0.0036)


def test_asymmetric_units_without_a_bias_replace_a_weight() -> None:
    network, batch = nn.Sequential(nn.Conv2d(4, 4000, 1, bias=False)), torch.ones(2, 4, 3, 3)
    INITS["randomized_asymmetric"]().fill(network, FillContext(seed=0, sites=survey(network, batch), batch=batch))
    assert network[0].weight.detach().sum((1, 2, 3)).mean().item() == pytest.approx(2 / 3, abs=5 * 0.6 / 4000**0.5)


def test_flax_default_is_a_corrected_truncated_normal_by_fan_in() -> None:
    weight = drawn(INITS["flax_default"](), Site((400, 100)))
    parent = 0.1 / stats.truncnorm(-2, 2).std()
    assert stats.kstest(weight.double().flatten().numpy(), stats.truncnorm(-2, 2, scale=parent).cdf).pvalue > 1e-6


def test_tf1_truncated_does_not_correct_for_the_cut_and_lifts_biases() -> None:
    network, batch = nn.Sequential(nn.Linear(100, 400)), torch.ones(2, 100)
    INITS["tf1_truncated"]().fill(network, FillContext(seed=0, sites=survey(network, batch), batch=batch))
    weight = network[0].weight.detach().double().flatten().numpy()
    assert stats.kstest(weight, stats.truncnorm(-2, 2, scale=0.1).cdf).pvalue > 1e-6
    assert torch.equal(network[0].bias.detach(), torch.full((400,), 0.1))
