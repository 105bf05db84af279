"""Networks: what every architecture promises, and the shapes, counts and refusals of each."""

import math
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from initbench.activations import ACTIVATIONS
from initbench.config import ConfigError, load_text
from initbench.networks import NETWORKS, Network
from initbench.sites import survey

RELU = ACTIVATIONS["relu"]()
IMAGE = (1, 9, 8)  # what every architecture can read
OUTPUTS = 5

every_network = pytest.mark.parametrize("name", NETWORKS)


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def layer_names(network: Network, shape: tuple[int, ...] = IMAGE) -> list[str]:
    """The weight layers in execution order."""
    return [site.layer for site in survey(network.build(shape, OUTPUTS, RELU), torch.zeros(2, *shape))]


@every_network
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_network_maps_a_batch_of_images_to_a_row_of_outputs_for_each(name: str, activation: str) -> None:
    network = NETWORKS[name]().build(IMAGE, OUTPUTS, ACTIVATIONS[activation]())
    outputs = network.eval()(torch.randn(4, *IMAGE, generator=torch.Generator().manual_seed(0)))
    assert outputs.shape == (4, OUTPUTS)
    assert bool(torch.isfinite(outputs).all())


@every_network
def test_every_parameter_of_every_network_gets_a_gradient(name: str) -> None:
    network = NETWORKS[name]().build(IMAGE, OUTPUTS, ACTIVATIONS["tanh"]())
    network(torch.randn(4, *IMAGE, generator=torch.Generator().manual_seed(0))).square().sum().backward()
    assert all(p.grad is not None and bool(p.grad.abs().sum() > 0) for p in network.parameters())


@every_network
def test_each_sample_is_treated_by_itself_in_evaluation(name: str) -> None:
    network = NETWORKS[name]().build(IMAGE, OUTPUTS, RELU).eval()
    x = torch.randn(3, *IMAGE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together, alone = network(x), torch.cat([network(sample[None]) for sample in x])
    torch.testing.assert_close(together, alone)


@every_network
def test_the_last_weight_layer_is_called_output(name: str) -> None:
    assert layer_names(NETWORKS[name]())[-1] == "output"


@pytest.mark.parametrize("name", ["mlp", "cnn"])
@pytest.mark.parametrize("depth", [2, 3, 12])
def test_depth_counts_the_weight_layers_with_the_output(name: str, depth: int) -> None:
    names = layer_names(NETWORKS[name](depth=depth))
    assert names == [*(f"layer{index}" for index in range(1, depth)), "output"]


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_a_deeper_network_has_all_the_names_of_a_shallow_one(name: str) -> None:
    shallow = dict(NETWORKS[name](depth=4).build(IMAGE, OUTPUTS, RELU).named_parameters())
    deep = dict(NETWORKS[name](depth=9).build(IMAGE, OUTPUTS, RELU).named_parameters())
    assert shallow.keys() < deep.keys()
    assert all(deep[key].shape == p.shape for key, p in shallow.items())


def test_an_activation_stands_between_all_layers_and_nowhere_else() -> None:
    for name in ("mlp", "cnn"):
        sites = survey(NETWORKS[name](depth=5).build(IMAGE, OUTPUTS, RELU), torch.zeros(2, *IMAGE))
        assert [site.after for site in sites] == [RELU] * 4 + [None]
        assert [site.before for site in sites] == [None] + [RELU] * 4


def test_an_mlp_of_one_layer_is_linear() -> None:
    network = NETWORKS["mlp"](depth=1).build((7,), OUTPUTS, RELU)
    assert layer_names(NETWORKS["mlp"](depth=1), (7,)) == ["output"]
    assert parameters(network) == 7 * OUTPUTS + OUTPUTS


@pytest.mark.parametrize("depth", [2, 3, 30])
@pytest.mark.parametrize("width", [1, 16])
def test_the_parameters_of_an_mlp_are_counted_in_closed_form(depth: int, width: int) -> None:
    network = NETWORKS["mlp"](depth=depth, width=width).build((1, 6, 6), OUTPUTS, RELU)
    hidden = (depth - 2) * (width * width + width)
    assert parameters(network) == 36 * width + width + hidden + width * OUTPUTS + OUTPUTS


def test_hidden_lists_the_widths_one_by_one() -> None:
    network = NETWORKS["mlp"](hidden=(256, 128)).build((1, 28, 28), 10, RELU)
    shapes = [tuple(p.shape) for name, p in network.named_parameters() if name.endswith("weight")]
    assert shapes == [(256, 784), (128, 256), (10, 128)]
    assert parameters(network) == 235_146  # 784·256 + 256 + 256·128 + 128 + 128·10 + 10


def test_depth_and_width_stand_for_equal_hidden_layers() -> None:
    by_depth, by_list = NETWORKS["mlp"](depth=4, width=7), NETWORKS["mlp"](hidden=(7, 7, 7))
    assert str(by_depth.build((3,), 2, RELU)) == str(by_list.build((3,), 2, RELU))


@pytest.mark.parametrize("conflict", [{"depth": 3}, {"width": 9}, {"depth": 3, "width": 9}])
def test_hidden_beside_depth_or_width_is_refused(conflict: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="either hidden, or depth and width"):
        NETWORKS["mlp"](hidden=(4, 4), **conflict)


def test_depth_and_width_have_defaults_of_their_own() -> None:
    assert NETWORKS["mlp"]() == NETWORKS["mlp"](depth=5, width=128)
    assert NETWORKS["mlp"](depth=3).width == 128
    assert NETWORKS["mlp"](width=3).depth == 5
    assert NETWORKS["mlp"](hidden=(4,)).depth is None


@pytest.mark.parametrize(
    "options",
    [{"depth": 0}, {"depth": -3}, {"width": 0}, {"hidden": (4, 0)}, {"depth": "3"}, {"depth": True}, {"deep": 3},
     {"norm": "none at all"}, {"dropout": 1.0}, {"dropout": -0.1}],
)  # fmt: skip
def test_options_out_of_bounds_are_refused(options: dict) -> None:
    with pytest.raises(ValidationError):
        NETWORKS["mlp"](**options)


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize("strides", [(1,), (2,), (2, 2), (3, 1, 2)])
@pytest.mark.parametrize("padding", ["zeros", "circular"])
def test_a_convolution_keeps_the_size_of_the_image_up_to_its_stride(
    kernel: int, strides: tuple[int, ...], padding: str
) -> None:
    options = {"depth": 4, "channels": 2, "kernel": kernel, "strides": strides, "padding": padding}
    network = NETWORKS["cnn"](**options).build((1, 13, 10), OUTPUTS, RELU)
    height, width, x = 13, 10, torch.zeros(2, 1, 13, 10)
    for index in range(1, 4):
        x = network.get_submodule(f"layer{index}")(x)
        stride = strides[index - 1] if index <= len(strides) else 1
        height, width = math.ceil(height / stride), math.ceil(width / stride)
        assert x.shape == (2, 2, height, width)


@pytest.mark.parametrize("strides", [(1,), (2, 2), (2, 1, 3)])
def test_the_parameters_of_a_cnn_are_counted_in_closed_form(strides: tuple[int, ...]) -> None:
    shape, depth, channels = (3, 11, 8), 5, 6
    height, width = 11, 8
    for stride in strides:
        height, width = math.ceil(height / stride), math.ceil(width / stride)
    convolutions = 3 * 9 * channels + channels + (depth - 2) * (9 * channels**2 + channels)
    for head, features in {"average": channels, "flatten": channels * height * width}.items():
        network = NETWORKS["cnn"](depth=depth, channels=channels, strides=strides, head=head)
        built = network.build(shape, OUTPUTS, RELU)
        assert parameters(built) == convolutions + features * OUTPUTS + OUTPUTS
        assert built(torch.zeros(2, *shape)).shape == (2, OUTPUTS)


def test_circular_padding_treats_every_position_alike() -> None:
    """A shifted image gives shifted signals, so that the average over positions stays."""
    network = NETWORKS["cnn"](depth=4, channels=4, strides=(1,), padding="circular").build((1, 6, 6), OUTPUTS, RELU)
    x = torch.randn(2, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(network(x), network(x.roll((2, 3), (2, 3))))


def test_an_even_kernel_is_refused() -> None:
    with pytest.raises(ValidationError, match="odd number"):
        NETWORKS["cnn"](kernel=4)


def test_a_cnn_refuses_vectors_and_says_what_it_reads() -> None:
    with pytest.raises(ValueError, match=r"images of shape \[channels, height, width\], not inputs of shape \[20\]"):
        NETWORKS["cnn"]().build((20,), OUTPUTS, RELU)


def test_circular_padding_beyond_the_image_is_refused() -> None:
    network = NETWORKS["cnn"](kernel=5, depth=5, strides=(2, 2, 2), padding="circular")
    with pytest.raises(ValueError, match="layer 4: circular padding 2 exceeds the 1×1 image"):
        network.build((1, 8, 8), OUTPUTS, RELU)


def test_a_network_that_cannot_read_the_dataset_is_a_problem_of_the_config() -> None:
    text = "{dataset: {name: synthetic, features: 20}, network: cnn, init: he}"
    with pytest.raises(ConfigError, match="cnn reads images"):
        load_text(text, "vectors.yaml", data_dir=Path())


@pytest.mark.parametrize(("norm", "layer"), [("batch", nn.BatchNorm1d), ("layer", nn.LayerNorm)])
def test_a_normalization_stands_between_each_hidden_layer_and_its_activation(norm: str, layer: type) -> None:
    network = NETWORKS["mlp"](depth=3, width=4, norm=norm).build((6,), OUTPUTS, RELU)
    kinds = [type(module).__name__ for module in network]
    block = ["Linear", layer.__name__, "Pointwise"]
    assert kinds == ["Flatten", *block, *block, "Linear"]
    # Batch normalization subtracts the bias again; the output has no normalization and keeps its own.
    assert (network.layer1.bias is None) == (norm == "batch")
    assert network.output.bias is not None


def test_layer_normalization_of_images_takes_channels_and_positions_together() -> None:
    network = NETWORKS["cnn"](depth=3, channels=4, norm="layer").build((1, 8, 8), OUTPUTS, RELU)
    x = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0)) * 3 + 1
    normalized = network.norm1(x).detach().flatten(1)
    torch.testing.assert_close(normalized.mean(1), torch.zeros(2), rtol=0, atol=1e-6)
    torch.testing.assert_close(normalized.var(1, correction=0), torch.ones(2), rtol=1e-4, atol=0)


def test_building_draws_nothing_that_a_scheme_does_not_overwrite() -> None:
    for name in NETWORKS:
        network = NETWORKS[name]().build(IMAGE, OUTPUTS, RELU)
        sites = survey(network, torch.zeros(2, *IMAGE))
        filled = {site.weight for site in sites} | {site.bias for site in sites}
        others = {key: p for key, p in network.named_parameters() if key not in filled}
        # What is left are the scales and shifts of normalizations, which start as constants.
        assert all(p.unique().numel() == 1 for p in others.values()), name
