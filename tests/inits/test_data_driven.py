"""Schemes that look at a batch: what each layer returns afterwards."""

from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from initbench.activations import ACTIVATIONS
from initbench.inits import INITS, FillContext, Init
from initbench.seeding import generator
from initbench.sites import WEIGHT_LAYERS, survey


def deep_mlp(activation: str = "relu") -> nn.Module:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for index in range(1, 7):
        layers[f"layer{index}"] = nn.Linear(30, 30)
        layers[f"activation{index}"] = ACTIVATIONS[activation]().layer()
    layers["output"] = nn.Linear(30, 4)
    return nn.Sequential(layers)


def conv_net() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.PReLU(),
        nn.Conv2d(8, 8, 3, padding=1, groups=2, bias=False),
        nn.Dropout(0.5),
        ACTIVATIONS["tanh"]().layer(),
        nn.ConvTranspose2d(8, 4, 3, groups=2),
        nn.Flatten(),
        nn.Linear(4 * 8 * 8, 5),
    )


def vectors() -> Tensor:
    return 3 + 5 * torch.randn(200, 30, generator=generator(0, "batch"))  # far from standardized on purpose


def images() -> Tensor:
    return 3 + 5 * torch.randn(50, 3, 6, 6, generator=generator(0, "batch"))


NETWORKS = [
    pytest.param(lambda: deep_mlp("relu"), vectors, id="relu"),
    pytest.param(lambda: deep_mlp("prelu"), vectors, id="prelu"),
    pytest.param(lambda: deep_mlp("sigmoid"), vectors, id="sigmoid"),
    pytest.param(conv_net, images, id="conv"),
]


def fill(init: Init, network: nn.Module, batch: Tensor) -> nn.Module:
    init.fill(network, FillContext(seed=0, sites=survey(network, batch), batch=batch))
    return network


def outputs(network: nn.Module, batch: Tensor) -> list[Tensor]:
    """What each weight layer returns: [N, units, positions]."""
    found: list[Tensor] = []
    for module in network.modules():
        if isinstance(module, WEIGHT_LAYERS):
            module.register_forward_hook(lambda _module, _inputs, output: found.append(output.double()))
    with torch.no_grad():
        network.eval()(batch)
    return [output.reshape(*output.shape[:2], -1) for output in found]


@pytest.mark.parametrize(("build", "batch"), NETWORKS)
def test_lsuv_brings_every_layer_within_its_tolerance(build, batch) -> None:
    network = fill(INITS["lsuv"](tolerance=0.05), build(), batch())
    variances = torch.stack([output.var(correction=0) for output in outputs(network, batch())])
    assert (variances - 1).abs().max() < 0.05 + 1e-4  # float32 rounding between the two passes


def test_lsuv_keeps_the_directions_of_its_orthonormal_start() -> None:
    network = fill(INITS["lsuv"](), deep_mlp(), vectors())
    values = torch.linalg.svdvals(network.get_parameter("layer3.weight").detach())
    torch.testing.assert_close(values / values[0], torch.ones(30), rtol=1e-5, atol=1e-5)


def test_lsuv_leaves_a_layer_alone_that_is_within_a_wide_tolerance() -> None:
    batch = torch.randn(500, 30, generator=generator(0))
    network = fill(INITS["lsuv"](tolerance=0.5), nn.Sequential(nn.Linear(30, 30)), batch)
    values = torch.linalg.svdvals(network[0].weight.detach())
    torch.testing.assert_close(values, torch.ones(30), rtol=1e-5, atol=1e-5)


def test_lsuv_leaves_a_layer_alone_that_hears_nothing() -> None:
    network = fill(INITS["lsuv"](), deep_mlp(), torch.zeros(10, 30))
    assert all(parameter.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize(("build", "batch"), NETWORKS)
def test_data_dependent_standardizes_every_unit(build, batch) -> None:
    network = fill(INITS["data_dependent"](), build(), batch())
    layers = [module for module in network.modules() if isinstance(module, WEIGHT_LAYERS)]
    for layer, output in zip(layers, outputs(network, batch()), strict=True):
        std, mean = torch.std_mean(output, dim=(0, 2), correction=0)
        # float32: outputs have a mean of a few standard deviations before it is taken away
        torch.testing.assert_close(std, torch.ones_like(std), rtol=1e-4, atol=1e-4)
        if layer.bias is not None:
            torch.testing.assert_close(mean, torch.zeros_like(mean), rtol=0, atol=1e-4)


def test_data_dependent_keeps_units_finite_that_hear_nothing() -> None:
    network = fill(INITS["data_dependent"](), deep_mlp(), torch.zeros(10, 30))
    assert all(parameter.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize("name", ["lsuv", "data_dependent"])
def test_layers_are_set_in_the_order_of_execution(name: str) -> None:
    class Backwards(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.first = nn.Linear(30, 30), nn.Linear(30, 30)

        def forward(self, x: Tensor) -> Tensor:
            return self.last(torch.relu(self.first(x)))

    network = fill(INITS[name](), Backwards(), vectors())
    assert network(vectors()).var().item() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["lsuv", "data_dependent"])
def test_modes_and_buffers_survive_the_pass(name: str) -> None:
    network = nn.Sequential(nn.Linear(30, 30), nn.BatchNorm1d(30), nn.Dropout(0.5), nn.Linear(30, 5))
    network[1].eval()
    fill(INITS[name](), network, vectors())
    assert [module.training for module in network] == [True, False, True, True]
    assert not network[1].running_mean.any()


@pytest.mark.parametrize("name", ["lsuv", "data_dependent"])
def test_a_layer_used_twice_is_set_by_its_first_use(name: str) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(30, 30)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(torch.relu(self.layer(x)))

    network = fill(INITS[name](), Tied(), vectors())
    assert network.layer(vectors()).var().item() == pytest.approx(1, abs=0.1)
