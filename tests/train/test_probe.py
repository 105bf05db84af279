"""The probe: every statistic against slow, obvious autograd over single samples, and that measuring leaves no trace."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from example_networks import HAND_BUILT, Example, Recurrent, ResidualVectors, act, chain, generic
from torch import Tensor, nn
from torch.nn import functional

from initbench.activations import ACTIVATIONS
from initbench.datasets import Split, Task
from initbench.sites import survey
from initbench.train.objective import sample_losses
from initbench.train.probe import Probe, Statistics, first_bad_layer
from initbench.train.stack import BatchedStack, LoopedStack, Stack

FORMS: dict[str, Callable[[list[nn.Module], Tensor], Stack]] = {
    "batched": BatchedStack,
    "looped": lambda networks, _sample: LoopedStack(networks),
}
both_forms = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)

SAMPLES = 9


def probe_of(network: nn.Module, x: Tensor, y: Tensor, task: Task = "classification") -> Probe:
    return Probe(survey(network, x), Split(x.unsqueeze(0), y.unsqueeze(0)), task)


def batch(shape: tuple[int, ...], samples: int = SAMPLES) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(5)
    return torch.randn(samples, *shape, generator=rng, dtype=torch.float64), torch.arange(samples) % 3


def reference(network: nn.Sequential, x: Tensor, y: Tensor, activation: str) -> list[dict[str, float]]:
    """The statistics of every weight layer, one sample and one unit at a time."""
    weights = {name: layer for name, layer in network.named_children() if isinstance(layer, (nn.Linear, nn.Conv2d))}
    seen: dict[str, dict[str, list[Tensor]]] = {name: {"z": [], "a": [], "g": [], "w": []} for name in weights}
    for sample, label in zip(x, y, strict=True):
        h, current = sample.unsqueeze(0), ""
        signals: dict[str, Tensor] = {}
        followers: dict[str, Tensor] = {}
        for name, layer in network.named_children():
            h = layer(h)
            if name in weights:
                current, signals[name] = name, h
            elif name.startswith("act"):
                followers[current] = h
        loss = -torch.log_softmax(h[0], 0)[label]
        gradients = torch.autograd.grad(loss, [*signals.values(), *(layer.weight for layer in weights.values())])
        for index, name in enumerate(weights):
            seen[name]["z"].append(signals[name][0].detach())
            seen[name]["a"].append(followers.get(name, signals[name])[0].detach())
            seen[name]["g"].append(gradients[index][0])
            seen[name]["w"].append(gradients[len(weights) + index])
    last = list(weights)[-1]
    return [_layer(seen[name], layer.weight, activation if name != last else None) for name, layer in weights.items()]


def _layer(seen: dict[str, list[Tensor]], weight: Tensor, activation: str | None) -> dict[str, float]:
    z, a, g = (np.stack([t.numpy() for t in seen[key]]) for key in ("z", "a", "g"))  # [N, units, *space]
    units = weight.detach().numpy()  # [units, …]
    w, gradient = units.ravel(), np.mean([t.numpy().ravel() for t in seen["w"]], axis=0)
    return {
        "preact_mean": mean(z),
        "preact_variance": mean((z - mean(z)) ** 2),
        "activation_mean": mean(a),
        "activation_variance": mean((a - mean(a)) ** 2),
        "activation_second_moment": mean(a**2),
        "dead_fraction": mean(np.array([np.all(a[:, unit] == a[0, unit].flat[0]) for unit in range(a.shape[1])])),
        "saturated_fraction": saturated(z, activation),
        "grad_mean": mean(g),
        "grad_variance": mean((g - mean(g)) ** 2),
        "weight_mean": mean(w),
        "weight_std": math.sqrt(mean((w - mean(w)) ** 2)),
        "unit_diversity": mean((units - units.mean(axis=0)) ** 2) / mean(w**2),
        "weight_grad_variance": mean((gradient - mean(gradient)) ** 2),
        "weight_grad_norm": math.sqrt(sum(float(value) ** 2 for value in gradient)),
    }


def mean(values: np.ndarray) -> float:
    return float(sum(float(value) for value in values.ravel())) / values.size


def saturated(z: np.ndarray, activation: str | None) -> float:
    """The share of z where the slope is below a twentieth of the steepest, by differentiating at each of them."""
    if activation is None:
        return 0.0
    phi = ACTIVATIONS[activation]()
    steepest = abs(phi.slopes(np.linspace(-20, 20, 4001))).max()
    return mean(abs(phi.slopes(z.ravel())) < 0.05 * steepest)


MONOTONE = ["linear", "relu", "leaky_relu", "prelu", "elu", "selu", "tanh", "sigmoid", "softplus", "softsign"]
SHAPES = {
    "vectors": (
        lambda name: chain(layer1=nn.Linear(4, 8), act1=act(name), layer2=nn.Linear(8, 6, bias=False), act2=act(name),
                           output=nn.Linear(6, 3)),
        (4,),
    ),
    "images": (
        lambda name: chain(layer1=nn.Conv2d(2, 4, 3), act1=act(name), pool=nn.MaxPool2d(2),
                           layer2=nn.Conv2d(4, 4, 3, padding=1, groups=2), act2=act(name), flatten=nn.Flatten(),
                           output=nn.Linear(16, 3)),
        (2, 6, 6),
    ),
}  # fmt: skip


@pytest.mark.parametrize("activation", MONOTONE)
@pytest.mark.parametrize("kind", SHAPES)
@both_forms
def test_every_statistic_is_that_of_a_loop_over_samples_and_units(
    form: Callable[[list[nn.Module], Tensor], Stack], kind: str, activation: str
) -> None:
    build, shape = SHAPES[kind]
    networks = [generic(build(activation), seed).double() for seed in range(2)]
    with torch.no_grad():
        for network in networks:
            network.layer1.weight *= 3.0  # far enough that some units saturate and some ReLUs die
            network.layer1.bias[0] = -60.0
    x, y = batch(shape)
    expected = [reference(network, x, y, activation) for network in networks]
    found = probe_of(networks[0], x, y).measure(form(networks, x[:2]))
    for replica in range(2):
        for index, layer in enumerate(expected[replica]):
            assert layer.keys() == found.keys()
            for name, value in layer.items():
                assert found[name][index, replica] == pytest.approx(value, rel=1e-10, abs=1e-13), (name, index)
    if activation == "relu":
        assert 0 < found["dead_fraction"][0, 0] < 1
    if activation in ("relu", "tanh", "sigmoid"):
        assert 0 < found["saturated_fraction"][0, 0] < 1


def test_the_gradient_variance_does_not_depend_on_the_size_of_the_batch() -> None:
    network = generic(SHAPES["vectors"][0]("tanh"), 0).double()
    x, y = batch((4,))
    once = probe_of(network, x, y).measure(LoopedStack([network]))
    thrice = probe_of(network, x.repeat(3, 1), y.repeat(3)).measure(LoopedStack([network]))
    for name, values in once.items():
        np.testing.assert_allclose(thrice[name], values, rtol=1e-12, atol=1e-15, err_msg=name)


def test_the_gradient_of_a_regression_is_that_of_the_squared_error() -> None:
    network = generic(chain(output=nn.Linear(4, 2)), 0).double()
    x, _ = batch((4,))
    y = torch.randn(SAMPLES, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = probe_of(network, x, y, "regression").measure(LoopedStack([network]))
    by_hand = (network(x) - y).detach()  # the derivative of the mean of two squares
    assert found["grad_variance"][0, 0] == pytest.approx(float(by_hand.var(correction=0)), rel=1e-12)


@both_forms
def test_layers_come_in_execution_order_whatever_the_order_of_registration(
    form: Callable[[list[nn.Module], Tensor], Stack],
) -> None:
    networks = [generic(ResidualVectors(), seed).double() for seed in range(2)]
    x, y = batch((4,))
    probe = probe_of(networks[0], x, y)
    found = probe.measure(form(networks, x[:2]))
    assert [site.layer for site in probe.sites] == ["stem", "first", "second", "output"]
    with torch.no_grad():
        stem, outputs = networks[1].stem(x), networks[1](x)
    assert found["preact_variance"][0, 1] == pytest.approx(float(stem.var(correction=0)), rel=1e-12)
    assert found["preact_variance"][-1, 1] == pytest.approx(float(outputs.var(correction=0)), rel=1e-12)


@both_forms
def test_a_layer_called_twice_is_measured_at_its_first_call(form: Callable[[list[nn.Module], Tensor], Stack]) -> None:
    networks = [generic(Recurrent(), seed).double() for seed in range(2)]
    x, y = batch((4,))
    probe = probe_of(networks[0], x, y)
    found = probe.measure(form(networks, x[:2]))
    network = networks[1]
    entered = torch.tanh(network.enter(x))
    z = network.again(entered).detach().requires_grad_()
    outputs = network.output(torch.tanh(network.again(torch.tanh(z))))
    loss = functional.cross_entropy(outputs, y, reduction="sum")
    gradient, weight_gradient = torch.autograd.grad(loss, [z, network.again.weight], retain_graph=True)
    assert [site.layer for site in probe.sites] == ["enter", "again", "output"]
    assert found["preact_variance"][1, 1] == pytest.approx(float(z.detach().var(correction=0)), rel=1e-12)
    assert found["activation_variance"][1, 1] == pytest.approx(
        float(torch.tanh(z.detach()).var(correction=0)), rel=1e-12
    )
    assert found["grad_variance"][1, 1] == pytest.approx(float(gradient.var(correction=0)), rel=1e-12)
    # The weight's gradient knows both calls.
    full = torch.autograd.grad(functional.cross_entropy(network(x), y), network.again.weight)[0]
    assert found["weight_grad_norm"][1, 1] == pytest.approx(float(full.norm()), rel=1e-12)
    assert not torch.allclose(full, weight_gradient / SAMPLES)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("example", HAND_BUILT.values(), ids=HAND_BUILT)
@both_forms
def test_measuring_leaves_parameters_gradients_and_buffers_as_they_were(
    form: Callable[[list[nn.Module], Tensor], Stack], example: Example, dtype: torch.dtype
) -> None:
    x, y = example.batch(1, dtype=dtype)
    stack = form(example.networks(2, dtype), x[0])
    sample_losses(stack.forward(x), y, "classification").sum().backward()
    state = {**stack.parameters, **stack.buffers, **{f"∂{name}": p.grad for name, p in stack.parameters.items()}}
    before = {name: value.detach().clone() for name, value in state.items()}
    inputs = x.clone()
    probe_of(example.networks(1, dtype)[0], x[0], y[0]).measure(stack)
    after = {**stack.parameters, **stack.buffers, **{f"∂{name}": p.grad for name, p in stack.parameters.items()}}
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert torch.equal(x, inputs)


@both_forms
def test_a_probe_between_forward_and_backward_passes_disturbs_neither(
    form: Callable[[list[nn.Module], Tensor], Stack],
) -> None:
    example = HAND_BUILT["layer norm"]
    x, y = example.batch(1)
    gradients = []
    for probes in (False, True):
        stack = form(example.networks(2), x[0])
        losses = sample_losses(stack.forward(x), y, "classification").sum()
        if probes:
            probe_of(example.networks(1)[0], x[0], y[0]).measure(stack)
        losses.backward()
        gradients.append([p.grad for p in stack.parameters.values()])
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


def vanishing(depth: int, width: int) -> nn.Module:
    """A ReLU network with PyTorch's weight variance 1/(3 fan_in) and no biases: a layer keeps a sixth."""
    layers: dict[str, nn.Module] = {}
    rng = torch.Generator().manual_seed(3)
    for index in range(1, depth + 1):
        layer = nn.Linear(width, width if index < depth else 3, bias=False)
        with torch.no_grad():
            layer.weight.copy_(torch.randn(layer.weight.shape, generator=rng) / math.sqrt(3 * width))
        layers[f"layer{index}"] = layer
        if index < depth:
            layers[f"act{index}"] = act("relu")
    return chain(**layers)


def test_variances_near_1e_39_are_measured_in_float32() -> None:
    """Float32 has no number below 1.4e-45 and no precise one below 1.2e-38: the moments are taken in float64."""
    rng = torch.Generator().manual_seed(4)
    x, y = torch.randn(64, 128, generator=rng), torch.arange(64) % 3
    network = vanishing(50, 128)
    single = probe_of(network, x, y).measure(BatchedStack([network], x[:2]))
    network = network.double()
    double = probe_of(network, x.double(), y).measure(BatchedStack([network], x[:2].double()))
    assert 1e-42 < double["preact_variance"][-2, 0] < 1e-36
    assert 1e-42 < double["grad_variance"][0, 0] < 1e-36
    for name in ("preact_variance", "activation_variance", "activation_second_moment", "grad_variance"):
        # 50 layers of 128-term sums in float32 lose about 50 · √128 · 6e-8 = 3e-5 of a value.
        np.testing.assert_allclose(single[name], double[name], rtol=1e-3, err_msg=name)


def test_the_first_bad_layer_is_the_first_whose_signal_is_out_of_bounds() -> None:
    x, y = batch((4,))
    network = generic(SHAPES["vectors"][0]("relu"), 0).double()
    probe = probe_of(network, x, y)

    def bad(scale: dict[str, float]) -> str | None:
        spoiled = generic(SHAPES["vectors"][0]("relu"), 0).double()
        with torch.no_grad():
            for layer, factor in scale.items():
                spoiled.get_submodule(layer).weight *= factor
        return first_bad_layer(probe.measure(LoopedStack([spoiled])), probe.sites, 0)

    assert bad({}) is None
    assert bad({"layer2": 1e5}) == "layer2"
    assert bad({"layer1": float("nan"), "output": float("inf")}) == "layer1"
    assert bad({"output": 1e200}) == "output"


def test_statistics_come_as_one_array_for_each_column_of_the_layers_table() -> None:
    x, y = batch((4,))
    networks = [generic(SHAPES["vectors"][0]("relu"), seed) for seed in range(4)]
    found: Statistics = probe_of(networks[0], x.float(), y).measure(BatchedStack(networks, x[:2].float()))
    assert {values.dtype for values in found.values()} == {np.dtype(np.float64)}
    assert {values.shape for values in found.values()} == {(3, 4)}


@pytest.mark.parametrize("activation", ["gelu", "silu"])
def test_a_unit_is_saturated_outside_the_active_interval_and_not_where_the_slope_passes_through_zero(
    activation: str,
) -> None:
    low, high = ACTIVATIONS[activation]().active_interval
    assert low < -1.0
    assert high == math.inf
    network = chain(layer1=nn.Linear(1, 1), act=act(activation), output=nn.Linear(1, 3)).double()
    with torch.no_grad():
        network.layer1.weight.fill_(1.0)
        network.layer1.bias.fill_(0.0)
    x = torch.tensor([[low - 1], [low - 0.1], [low + 0.1], [0.0], [9.0]], dtype=torch.float64)
    found = probe_of(network, x, torch.zeros(5, dtype=torch.long)).measure(LoopedStack([network]))
    assert found["saturated_fraction"][0, 0] == pytest.approx(2 / 5)
