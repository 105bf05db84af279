"""Schemes that are laws of structure: orthogonal, identity, sparse, constant, zeros."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from initbench.inits import INITS, Init
from initbench.inits._draw import TRUNCATED_STD, from_units
from initbench.seeding import generator
from initbench.sites import Site


def drawn(init: Init, site: Site, seed: int = 0) -> Tensor:
    return init.weight(site, generator(seed, "test", init.label))


@pytest.mark.parametrize("shape", [(64, 64), (96, 32), (32, 96), (32, 8, 3, 3)])
def test_orthogonal_has_all_singular_values_at_the_gain(shape: tuple[int, ...]) -> None:
    weight = drawn(INITS["orthogonal"](gain=1.5), Site(shape)).flatten(1)
    singular = torch.linalg.svdvals(weight.double())
    # float32 rounding of a QR decomposition: a few times √n · 6e-8
    torch.testing.assert_close(singular, torch.full_like(singular, 1.5), rtol=1e-5, atol=0)


def test_orthogonal_matrices_are_haar_distributed() -> None:
    # Under the Haar measure the trace of an orthogonal matrix has mean 0 and variance 1. QR without the correction of
    # signs gives a mean far below. 400 draws: standard error 0.05 of the mean, about 0.07 of the variance.
    traces = torch.stack([drawn(INITS["orthogonal"](), Site((8, 8)), seed=seed).trace() for seed in range(400)])
    assert traces.mean().item() == pytest.approx(0, abs=5 * 0.05)
    assert traces.var().item() == pytest.approx(1, abs=5 * 0.07)


@pytest.mark.parametrize("shape", [(5, 5), (3, 7), (7, 3)])
def test_identity_hands_the_first_inputs_on(shape: tuple[int, int]) -> None:
    x = torch.randn(4, shape[1], generator=generator(0))
    y = nn.functional.linear(x, drawn(INITS["identity"](gain=2.0), Site(shape)))
    kept = min(shape)
    assert torch.equal(y[:, :kept], 2 * x[:, :kept])
    assert not y[:, kept:].any()


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(6, 6, 3, padding=1, bias=False),
        nn.Conv2d(6, 6, 5, padding=2, bias=False),
        nn.Conv2d(6, 6, 3, padding=1, groups=3, bias=False),
        nn.ConvTranspose2d(6, 6, 3, padding=1, bias=False),
        nn.ConvTranspose2d(6, 6, 3, padding=1, groups=2, bias=False),
    ],
    ids=str,
)
def test_identity_convolutions_return_their_input(layer: nn.Module) -> None:
    kind = "conv_transpose" if "Transpose" in type(layer).__name__ else "conv"
    site = Site(tuple(layer.weight.shape), kind=kind, groups=layer.groups)
    with torch.no_grad():
        layer.weight.copy_(drawn(INITS["identity"](), site))
    x = torch.randn(2, 6, *(7 for _ in layer.kernel_size), generator=generator(0))
    torch.testing.assert_close(layer(x), x)


SPARSE_LAYERS = [
    nn.Linear(40, 200),
    nn.Conv2d(8, 64, 3),
    nn.Conv2d(8, 64, 3, groups=2),
    nn.ConvTranspose2d(8, 64, 3),
    nn.ConvTranspose2d(8, 64, 3, groups=2),
]


@pytest.mark.parametrize("layer", SPARSE_LAYERS, ids=str)
def test_every_unit_of_sparse_reads_the_given_number_of_inputs(layer: nn.Module) -> None:
    kind = "linear" if isinstance(layer, nn.Linear) else "conv_transpose" if "Transpose" in str(layer) else "conv"
    site = Site(tuple(layer.weight.shape), kind=kind, groups=getattr(layer, "groups", 1))
    weight = drawn(INITS["sparse"](incoming=6, std=0.5), site)
    with torch.no_grad():
        layer.weight.copy_(weight != 0)
        nn.init.zeros_(layer.bias)
    ones = torch.ones(1, 40) if kind == "linear" else torch.ones(1, 8, 7, 7)
    # Away from the border every unit then adds up as many ones as it reads inputs.
    outputs = layer(ones)
    middle = outputs if kind == "linear" else outputs[:, :, outputs.shape[2] // 2, outputs.shape[3] // 2]
    assert (middle == 6).all()


def test_the_weights_that_sparse_keeps_have_its_standard_deviation() -> None:
    weight = drawn(INITS["sparse"](incoming=10, std=0.5), Site((4000, 50)))
    assert weight[weight != 0].std().item() == pytest.approx(0.5, rel=5 / math.sqrt(2 * 40_000))


def test_sparse_spreads_its_choice_evenly_over_the_inputs() -> None:
    counts = (drawn(INITS["sparse"](incoming=10), Site((2000, 50))) != 0).sum(0)
    # Binomial with n = 2000 and p = 1/5: mean 400, standard deviation 17.9
    assert (counts - 400).abs().max().item() < 5 * 17.9


def test_sparse_is_dense_where_a_unit_has_fewer_inputs() -> None:
    assert (drawn(INITS["sparse"](incoming=15), Site((20, 5))) != 0).all()


def test_constant_and_zeros_draw_nothing() -> None:
    assert torch.equal(drawn(INITS["constant"](value=-0.3), Site((3, 2))), torch.full((3, 2), -0.3))
    assert torch.equal(drawn(INITS["zeros"](), Site((3, 2, 5))), torch.zeros(3, 2, 5))


def test_rows_by_unit_are_the_receptive_fields_of_a_transposed_convolution() -> None:
    layer = nn.ConvTranspose2d(4, 6, 1, groups=2, bias=False)  # kernel 1: a linear map of channels, group by group
    rows = torch.arange(12.0).reshape(6, 2)
    with torch.no_grad():
        layer.weight.copy_(from_units(rows, Site((4, 3, 1, 1), kind="conv_transpose", groups=2)))
    x = torch.randn(1, 4, generator=generator(0))
    expected = torch.cat([x[:, :2] @ rows[:3].T, x[:, 2:] @ rows[3:].T], dim=1)
    torch.testing.assert_close(layer(x[..., None, None])[..., 0, 0], expected)


def test_the_truncated_std_is_that_of_the_cut_normal_distribution() -> None:
    density, within = math.exp(-2) / math.sqrt(2 * math.pi), math.erf(math.sqrt(2))
    assert pytest.approx(math.sqrt(1 - 4 * density / within), rel=1e-12) == TRUNCATED_STD


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("he", {"distribution": "gauss"}),
        ("he", {"mode": "fan_avg"}),
        ("xavier", {"gain": 0.0}),
        ("variance_scaling", {"scale": -1.0}),
        ("normal", {"std": 0.0}),
        ("uniform", {"bound": -0.1}),
        ("constant", {"value": float("nan")}),
        ("sparse", {"incoming": 0}),
        ("dynamic", {"factor": float("inf")}),
        ("orthogonal", {"gain": "sqrt2"}),
    ],
)
def test_options_out_of_bounds_are_refused(name: str, options: dict) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        INITS[name](**options)


@pytest.mark.parametrize(("name", "option"), [("normal", "std"), ("uniform", "bound"), ("constant", "value")])
def test_schemes_without_a_sensible_default_ask_for_it(name: str, option: str) -> None:
    with pytest.raises(ValidationError, match=option):
        INITS[name]()
