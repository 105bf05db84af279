"""Convolutions that keep norms, and the deterministic matrices of ZerO."""

import math

import pytest
import torch
from torch import Tensor, nn

from initbench.inits import INITS, Init
from initbench.seeding import generator
from initbench.sites import Branch, Site


def drawn(init: Init, site: Site) -> Tensor:
    return init.weight(site, generator(0, "test", init.label))


def operator(layer: nn.Module, side: int) -> Tensor:
    """The matrix of a bias-free convolution on images of side ``side``: [outputs, inputs]."""
    inputs = layer.in_channels * side ** len(layer.kernel_size)
    unit_images = torch.eye(inputs).reshape(inputs, layer.in_channels, *(side for _ in layer.kernel_size))
    with torch.no_grad():
        return layer(unit_images).flatten(1).T


def singular_values(init: Init, layer: nn.Module, side: int = 6) -> Tensor:
    kind = "conv_transpose" if isinstance(layer, nn.ConvTranspose2d) else "conv"
    with torch.no_grad():
        layer.weight.copy_(drawn(init, Site(tuple(layer.weight.shape), kind=kind, groups=layer.groups)))
    return torch.linalg.svdvals(operator(layer, side).double())


def circular(channels_in: int, channels_out: int, kernel: int | tuple[int, int], groups: int = 1) -> nn.Module:
    return nn.Conv2d(
        channels_in, channels_out, kernel, padding="same", padding_mode="circular", groups=groups, bias=False
    )


ISOMETRIC_LAYERS = [
    circular(4, 4, 3),
    circular(3, 8, 3),
    circular(3, 5, (3, 1)),
    circular(4, 6, 5),
    circular(4, 8, 3, groups=2),
    nn.Conv1d(3, 5, 3, padding="same", padding_mode="circular", bias=False),
]
# float32 rounding of products of up to nine matrices
isometric = {"rtol": 1e-5, "atol": 1e-5}


@pytest.mark.parametrize("layer", ISOMETRIC_LAYERS, ids=str)
@pytest.mark.parametrize("name", ["delta_orthogonal", "orthogonal_conv"])
def test_growing_circular_convolutions_keep_the_norm_of_every_image(name: str, layer: nn.Module) -> None:
    values = singular_values(INITS[name](gain=1.5), layer)
    torch.testing.assert_close(values, torch.full_like(values, 1.5), **isometric)


@pytest.mark.parametrize("name", ["delta_orthogonal", "orthogonal_conv"])
def test_shrinking_circular_convolutions_are_projections(name: str) -> None:
    values = singular_values(INITS[name](), circular(6, 4, 3))
    torch.testing.assert_close(values, torch.ones_like(values), **isometric)


def test_transposed_delta_orthogonal_convolutions_keep_norms() -> None:
    layer = nn.ConvTranspose2d(4, 8, 3, padding=1, groups=2, bias=False)
    values = singular_values(INITS["delta_orthogonal"](), layer)
    torch.testing.assert_close(values, torch.ones_like(values), **isometric)


def test_delta_orthogonal_keeps_norms_under_zero_padding_too() -> None:
    values = singular_values(INITS["delta_orthogonal"](), nn.Conv2d(3, 5, 3, padding=1, bias=False))
    torch.testing.assert_close(values, torch.ones_like(values), **isometric)


def test_flattened_orthogonal_kernels_are_no_isometry() -> None:
    values = singular_values(INITS["orthogonal"](), circular(8, 8, 3))
    assert values.min() < 0.5
    assert values.max() > 1.5


def test_orthogonal_conv_uses_every_tap_and_delta_orthogonal_the_center_alone() -> None:
    site = Site((8, 8, 3, 3), kind="conv")
    spread = drawn(INITS["orthogonal_conv"](), site).square().sum((0, 1))
    centered = drawn(INITS["delta_orthogonal"](), site).square().sum((0, 1))
    assert (spread > 0.01).all()
    assert centered[1, 1].item() == pytest.approx(8, rel=1e-5)
    assert centered.sum() == centered[1, 1]


@pytest.mark.parametrize("name", ["delta_orthogonal", "orthogonal_conv"])
def test_linear_layers_start_semi_orthogonal(name: str) -> None:
    values = torch.linalg.svdvals(drawn(INITS[name](), Site((9, 5))))
    torch.testing.assert_close(values, torch.ones(5), **isometric)


@pytest.mark.parametrize("shape", [(6, 6), (4, 6)])
def test_zero_init_copies_inputs_where_a_layer_does_not_grow(shape: tuple[int, int]) -> None:
    assert torch.equal(drawn(INITS["zero_init"](), Site(shape)), torch.eye(*shape))


@pytest.mark.parametrize("shape", [(8, 8 - 1), (8, 3), (16, 5), (64, 64 - 1)])
def test_zero_init_grows_by_orthonormal_columns_of_equal_magnitude(shape: tuple[int, int]) -> None:
    weight = drawn(INITS["zero_init"](), Site(shape))
    torch.testing.assert_close(weight.T @ weight, torch.eye(shape[1]))
    torch.testing.assert_close(weight.abs(), torch.full(shape, 1 / math.sqrt(shape[0])))


def test_zero_init_cuts_a_larger_hadamard_matrix_for_other_widths() -> None:
    weight = drawn(INITS["zero_init"](), Site((10, 4)))
    assert set(weight.abs().flatten().tolist()) == {0.25}
    assert torch.linalg.matrix_rank(weight) == 4


def test_zero_init_lifts_the_rank_of_a_network_that_widens() -> None:
    # The point of the Hadamard matrix: padding with zeros would leave the wide layer at the rank of the input.
    x = torch.randn(200, 9, generator=generator(0))
    hidden = torch.relu(x @ drawn(INITS["zero_init"](), Site((16, 9))).T)
    padded = torch.relu(x @ torch.eye(16, 9).T)
    assert (torch.linalg.matrix_rank(hidden), torch.linalg.matrix_rank(padded)) == (16, 9)


def test_zero_init_works_at_the_center_of_kernels_group_by_group() -> None:
    x = torch.randn(2, 4, 5, 5, generator=generator(0))
    for layer in (
        nn.Conv2d(4, 4, 3, padding=1, groups=2, bias=False),
        nn.ConvTranspose2d(4, 4, 3, padding=1, groups=2, bias=False),
    ):
        kind = "conv_transpose" if isinstance(layer, nn.ConvTranspose2d) else "conv"
        with torch.no_grad():
            layer.weight.copy_(drawn(INITS["zero_init"](), Site(tuple(layer.weight.shape), kind=kind, groups=2)))
        torch.testing.assert_close(layer(x), x)


def test_zero_init_can_start_the_output_at_zero_and_always_ends_branches_so() -> None:
    output = Site((10, 16), index=3, count=4)
    assert drawn(INITS["zero_init"](), output).any()
    assert not drawn(INITS["zero_init"](zero_output=True), output).any()
    assert not drawn(INITS["zero_init"](), Site((8, 8), count=4, branch=Branch())).any()
