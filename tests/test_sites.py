"""Sites: fans against counted dependencies, and surveys against networks written by hand."""

import math
from collections import OrderedDict

import pytest
import torch
from torch import nn

from initbench.activations import ACTIVATIONS, Pointwise
from initbench.sites import WEIGHT_LAYERS, Site, survey

LAYERS = [
    nn.Linear(6, 4),
    nn.Conv1d(4, 6, 3, padding=1),
    nn.Conv2d(4, 6, (3, 5), padding=(1, 2)),
    nn.Conv3d(2, 3, 3, padding=1),
    nn.Conv2d(4, 8, 3, padding=1, groups=2),
    nn.Conv2d(6, 6, 3, padding=1, groups=6),  # depthwise
    nn.Conv2d(6, 12, 3, padding=1, groups=6),  # depthwise with a multiplier
    nn.ConvTranspose1d(4, 6, 3, padding=1),
    nn.ConvTranspose2d(4, 6, 3, padding=1),
    nn.ConvTranspose2d(4, 6, 3, padding=1, groups=2),
    nn.ConvTranspose3d(2, 3, 3, padding=1),
]


def input_shape(layer: nn.Module) -> tuple[int, ...]:
    if isinstance(layer, nn.Linear):
        return (layer.in_features,)
    return (layer.in_channels, *(7 for _ in layer.kernel_size))


def counted_fans(layer: nn.Module) -> tuple[int, int]:
    """The most inputs that any output depends on, and the most outputs that any input reaches: both away from edges."""
    for parameter in layer.parameters():
        nn.init.ones_(parameter)
    jacobian = torch.autograd.functional.jacobian(layer, torch.zeros(1, *input_shape(layer)))
    outputs = math.prod(layer(torch.zeros(1, *input_shape(layer))).shape)
    depends = jacobian.reshape(outputs, -1) != 0
    return int(depends.sum(1).max()), int(depends.sum(0).max())


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_fans_count_the_inputs_of_a_unit_and_the_units_of_an_input(layer: nn.Module) -> None:
    (site,) = survey(layer_alone(layer), torch.zeros(2, *input_shape(layer)))
    assert (site.fan_in, site.fan_out) == counted_fans(layer)


@pytest.mark.parametrize("layer", LAYERS, ids=str)
def test_the_layer_maps_unit_inputs_to_a_variance_of_fan_in_times_that_of_its_weights(layer: nn.Module) -> None:
    (site,) = survey(layer_alone(layer), torch.zeros(2, *input_shape(layer)))
    for parameter in layer.parameters():
        nn.init.ones_(parameter)
    nn.init.zeros_(layer.bias)
    assert layer(torch.ones(1, *input_shape(layer))).max() == site.fan_in


def layer_alone(layer: nn.Module) -> nn.Module:
    return nn.Sequential(OrderedDict(only=layer))


def relu() -> nn.Module:
    return ACTIVATIONS["relu"]().layer()


def test_a_survey_follows_the_execution_and_not_the_registration() -> None:
    class Reversed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.output = nn.Linear(3, 2, bias=False)
            self.act = relu()
            self.first = nn.Linear(5, 3)
            self.unused = nn.Linear(9, 9)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.output(self.act(self.first(x)))

    first, output = survey(Reversed(), torch.zeros(2, 5))
    assert (first.weight, first.bias, first.index, first.count) == ("first.weight", "first.bias", 0, 2)
    assert (output.weight, output.bias, output.index, output.count) == ("output.weight", None, 1, 2)
    assert (first.is_output, output.is_output) == (False, True)


def test_a_survey_finds_the_activations_before_and_after_each_layer() -> None:
    tanh_like, rectifier = relu(), relu()
    network = nn.Sequential(
        OrderedDict(
            a=nn.Linear(4, 3), act=tanh_like, flat=nn.Flatten(), b=nn.Linear(3, 3), act2=rectifier, c=nn.Linear(3, 2)
        )
    )
    a, b, c = survey(network, torch.zeros(2, 4))
    assert (a.before, a.after) == (None, tanh_like.activation)
    assert (b.before, b.after) == (tanh_like.activation, rectifier.activation)
    assert (c.before, c.after) == (rectifier.activation, None)
    assert a.activation is tanh_like.activation
    assert b.activation is tanh_like.activation


def test_an_activation_module_may_serve_several_layers() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(3)])
            self.act = relu()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            for layer in self.layers:
                x = self.act(layer(x))
            return x

    assert all(site.after is not None for site in survey(Shared(), torch.zeros(2, 4)))


def test_a_layer_called_twice_counts_once() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(self.layer(x))

    assert [site.layer for site in survey(Tied(), torch.zeros(2, 4))] == ["layer"]


def test_a_survey_leaves_modes_buffers_and_hooks_as_they_were() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    network.train()
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.random.get_rng_state()
    survey(network, torch.ones(3, 4))
    assert [module.training for module in network] == [True, False, True]
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(state, torch.random.get_rng_state())
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_hooks_are_gone_after_a_batch_of_the_wrong_shape() -> None:
    network = nn.Sequential(nn.Linear(4, 4))
    with pytest.raises(RuntimeError, match="shapes"):
        survey(network, torch.ones(3, 5))
    assert network.training
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_every_weight_layer_is_known_to_the_survey() -> None:
    assert {type(layer) for layer in LAYERS} <= set(WEIGHT_LAYERS)


def site_between(name: str, **options: float) -> Site:
    return Site((4, 4), before=ACTIVATIONS[name](**options))


def test_the_rectifier_gain_is_root_two_but_for_leaky_slopes() -> None:
    assert site_between("relu").rectifier_gain == pytest.approx(math.sqrt(2))
    assert Site((4, 4)).rectifier_gain == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("name", ["leaky_relu", "prelu"])
def test_the_rectifier_gain_of_a_leaky_slope_is_that_of_the_paper(name: str) -> None:
    assert site_between(name, slope=0.2).rectifier_gain == pytest.approx(nn.init.calculate_gain("leaky_relu", 0.2))


def test_prelu_layers_are_read_with_their_slope() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.PReLU(init=0.1), nn.Linear(4, 4))
    _, second = survey(network, torch.zeros(2, 4))
    assert second.rectifier_gain == pytest.approx(nn.init.calculate_gain("leaky_relu", 0.1))


def test_only_layers_of_the_catalog_count_as_activations() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Softmax(dim=1), Pointwise(ACTIVATIONS["relu"]()))
    (site,) = survey(network, torch.zeros(2, 4))
    assert site.after == ACTIVATIONS["relu"]()
