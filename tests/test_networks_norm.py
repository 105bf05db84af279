"""Normalization in plain networks: where it stands, what it leaves unchanged, and that stacks reproduce it."""

import pytest
import torch
from stack_agreement import batch, largest_difference, networks, probed
from torch import nn

from initbench.activations import ACTIVATIONS
from initbench.networks import NETWORKS, Network
from initbench.sites import survey
from initbench.train.probe import Probe
from initbench.train.stack import BatchedStack, LoopedStack, Stack, stack

MLP, CNN = NETWORKS["mlp"], NETWORKS["cnn"]
PLAIN: dict[str, tuple[type[Network], dict[str, object], tuple[int, ...]]] = {
    "mlp": (MLP, {"depth": 4, "width": 6}, (5,)),
    "cnn": (CNN, {"depth": 4, "channels": 4, "strides": (2,)}, (2, 6, 6)),
}
every_plain = pytest.mark.parametrize("name", list(PLAIN))
every_norm = pytest.mark.parametrize("norm", ["batch", "layer"])


def build(name: str, norm: str, activation: str = "tanh") -> nn.Module:
    cls, options, shape = PLAIN[name]
    return cls(**options, norm=norm).build(shape, 3, ACTIVATIONS[activation]())


@every_norm
@every_plain
def test_a_norm_stands_between_each_hidden_layer_and_its_activation(name: str, norm: str) -> None:
    children = [child for child, _ in build(name, norm).named_children() if child != "flatten"]
    assert children[:4] == ["layer1", "norm1", "activation1", "layer2"]
    assert children[-2:] in (["activation3", "output"], ["pool", "output"])


@every_plain
def test_without_a_norm_there_is_none(name: str) -> None:
    assert not [child for child, _ in build(name, "none").named_children() if child.startswith("norm")]


@every_plain
def test_layers_before_batch_normalization_have_no_bias(name: str) -> None:
    biased = {norm: [site.has_bias for site in survey(build(name, norm), batch(*PLAIN[name][2]).x[0].float())]
              for norm in ("none", "batch", "layer")}  # fmt: skip
    assert biased == {"none": [True] * 4, "batch": [False, False, False, True], "layer": [True] * 4}


@pytest.mark.parametrize("activation", ["tanh", "relu", "prelu"])
@every_norm
@every_plain
def test_the_batched_form_trains_and_measures_as_the_loop_does(name: str, norm: str, activation: str) -> None:
    assert largest_difference(lambda: networks(lambda: build(name, norm, activation)), *PLAIN[name][2]) < 1e-10


@every_norm
@every_plain
def test_a_normalized_network_takes_the_batched_form(name: str, norm: str) -> None:
    made = [network.float() for network in networks(lambda: build(name, norm))]
    assert isinstance(stack(made, batch(*PLAIN[name][2]).x[0].float()), BatchedStack)


@every_norm
@every_plain
def test_the_scale_of_the_weights_does_not_reach_the_outputs(name: str, norm: str) -> None:
    network, x = networks(lambda: build(name, norm), replicas=1)[0], batch(*PLAIN[name][2]).x[0]
    before = network(x)
    with torch.no_grad():
        for index in range(1, 4):
            layer = network.get_submodule(f"layer{index}")
            for parameter in layer.parameters():
                parameter.mul_(100)
    # Only the ε = 1e-5 inside the norm tells the scales apart: variances here are at least 1e-2, so 1e-3 / 2 relative.
    torch.testing.assert_close(network(x), before, rtol=5e-3, atol=5e-3)


@every_plain
def test_batch_normalization_centers_each_unit_over_the_batch_and_layer_normalization_each_sample(name: str) -> None:
    for norm, axes in (("batch", lambda z: [0, *range(2, z.dim())]), ("layer", lambda z: list(range(1, z.dim())))):
        network = networks(lambda norm=norm: build(name, norm), replicas=1)[0]
        norm2 = network.get_submodule("norm2")
        nn.init.ones_(norm2.weight)
        nn.init.zeros_(norm2.bias)
        seen: list[torch.Tensor] = []
        norm2.register_forward_hook(lambda _m, _x, z, seen=seen: seen.append(z.detach()))
        network(batch(*PLAIN[name][2]).x[0])
        assert seen[0].mean(axes(seen[0])).abs().max() < 1e-12
        # The variance falls short of 1 by ε / (σ² + ε), with ε = 1e-5 and σ² above 1e-3 for these weights.
        torch.testing.assert_close(
            seen[0].var(axes(seen[0]), correction=0),
            torch.ones(()).double().expand(seen[0].mean(axes(seen[0])).shape),
            rtol=0,
            atol=1e-2,
        )


@pytest.mark.parametrize("form", [lambda made, x: BatchedStack(made, x), lambda made, x: LoopedStack(made)],
                         ids=["batched", "looped"])  # fmt: skip
@every_plain
def test_a_probe_reads_batch_statistics_and_leaves_running_ones_alone(name: str, form: object) -> None:
    data = batch(*PLAIN[name][2])
    made: Stack = form(networks(lambda: build(name, "batch")), data.x[0])  # type: ignore[operator]
    sites = survey(build(name, "batch").double(), data.x[0])
    before = {key: value.clone() for key, value in made.buffers.items()}
    first = probed(made, sites, data)
    assert all(torch.equal(before[key], value) for key, value in made.buffers.items())
    for key, value in made.buffers.items():
        if "running" in key:
            value.add_(1.0)  # were they read, everything behind the first norm would change
    assert (probed(made, sites, data) == first).all()


@every_norm
@every_plain
def test_saturation_is_read_off_what_the_norm_hands_to_the_activation(name: str, norm: str) -> None:
    data = batch(*PLAIN[name][2])
    made = networks(lambda: build(name, norm), replicas=1)
    network = made[0]
    with torch.no_grad():
        network.get_submodule("layer2").weight.mul_(1000)  # without the norm tanh would saturate everywhere
    seen: list[torch.Tensor] = []
    network.get_submodule("activation2").register_forward_pre_hook(lambda _m, x: seen.append(x[0].detach()))
    network(data.x[0])
    low, high = ACTIVATIONS["tanh"]().active_interval
    saturated = ((seen[0] <= low) | (seen[0] >= high)).double().mean().item()
    sites = survey(network, data.x[0])
    measured = Probe(sites, data, "classification").measure(LoopedStack(made))["saturated_fraction"]
    assert measured[1, 0] == pytest.approx(saturated)
    assert saturated < 0.1
