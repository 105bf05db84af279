"""Stacks: the batched form against the loop, the loop against plain modules, and which of the two is taken."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from example_networks import (
    BUILT_IN,
    CATALOG,
    CLASSES,
    EVERY_NETWORK,
    HAND_BUILT,
    SOME_NETWORKS,
    Example,
    act,
    chain,
    generic,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from initbench.datasets import Split
from initbench.networks import NETWORKS
from initbench.optimizers import OPTIMIZERS
from initbench.sites import survey
from initbench.train.objective import sample_losses
from initbench.train.probe import Probe
from initbench.train.stack import BatchedStack, LoopedStack, Stack, stack
from initbench.train.trace import Trace

REPLICAS = 3
TIGHT = 1e-10  # of the largest value: float64 keeps 16 digits, and these networks lose few of them

every_network = pytest.mark.parametrize("example", EVERY_NETWORK.values(), ids=EVERY_NETWORK)
some_networks = pytest.mark.parametrize("example", SOME_NETWORKS.values(), ids=SOME_NETWORKS)
groups = pytest.mark.parametrize("shared", [True, False], ids=["one batch for all", "a batch each"])


def both(example: Example) -> tuple[BatchedStack, LoopedStack]:
    """The two forms of equal networks; building the batched one fails where a layer has no batched form."""
    sample = example.batch(1, samples=2)[0][0]
    return BatchedStack(example.networks(REPLICAS), sample), LoopedStack(example.networks(REPLICAS))


def losses_of(form: Stack, batch: tuple[Tensor, Tensor]) -> Tensor:
    """The mean loss of each replica, [R]."""
    return sample_losses(form.forward(batch[0]), batch[1], "classification").mean(dim=1)


def plain_gradients(form: Stack, example: Example) -> dict[str, Tensor]:
    """The gradient of every parameter, [R, *shape in the plain module]."""
    plain = dict(example.build().named_parameters())
    found = {}
    for name, p in form.parameters.items():
        assert p.grad is not None, name
        # A batched linear layer keeps its weight as [R, in, out].
        turned = isinstance(form, BatchedStack) and name.endswith("weight") and plain[name].dim() == 2
        found[name] = p.grad.transpose(1, 2) if turned else p.grad
        assert found[name].shape == (REPLICAS, *plain[name].shape)
    return found


def largest(values: Tensor) -> Tensor:
    """The largest magnitude in each replica, with axes to compare values against."""
    return values.abs().flatten(1).amax(dim=1).view(-1, *[1] * (values.dim() - 1))


def assert_close(ours: Tensor, theirs: Tensor, what: str, rounding: float = 0.0) -> None:
    """Equal to TIGHT of the largest value of each replica, or to what is lost in rounding anyway."""
    assert ours.shape == theirs.shape, what
    difference = (ours - theirs).abs()
    assert bool((difference <= TIGHT * largest(theirs) + rounding).all()), (what, float(difference.max()))


@every_network
@groups
def test_the_batched_form_gives_the_losses_and_gradients_of_the_loop(example: Example, shared: bool) -> None:
    batched, looped = both(example)
    batch = example.batch(1 if shared else REPLICAS)
    ours, theirs = losses_of(batched, batch), losses_of(looped, batch)
    assert_close(ours.unsqueeze(1), theirs.unsqueeze(1), "losses")
    ours.sum().backward()
    theirs.sum().backward()
    expected = plain_gradients(looped, example)
    # The gradient of a bias before a normalization is zero but for the rounding of the terms that cancel in it.
    rounding = 1e-14 * max(float(gradient.abs().max()) for gradient in expected.values())
    for name, gradient in plain_gradients(batched, example).items():
        assert_close(gradient, expected[name], name, rounding)


@every_network
def test_the_batched_form_gives_every_probe_statistic_of_the_loop(example: Example) -> None:
    batched, looped = both(example)
    x, y = example.batch(1, samples=20)
    probe = Probe(survey(example.networks(1)[0], x[0]), Split(x, y), "classification")
    ours, theirs = probe.measure(batched), probe.measure(looped)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        # Means may cancel, so they are held to the scale of what was averaged.
        scale = (
            np.sqrt(theirs[name.replace("mean", "variance")]) if name.endswith("_mean") and "w" not in name else 1e-9
        )
        assert values.shape == (len(probe.sites), REPLICAS)
        np.testing.assert_array_less(abs(values - theirs[name]), TIGHT * (abs(theirs[name]) + scale) + 1e-300, name)


@some_networks
@groups
def test_both_forms_stay_together_over_five_steps_of_adam(example: Example, shared: bool) -> None:
    curves = []
    forms = both(example)
    for form in forms:
        optimizer = OPTIMIZERS["adam"](lr=0.01).build(list(form.parameters.values()), weight_decay=0.01)
        curve = []
        for _ in range(5):
            losses = losses_of(form, example.batch(1 if shared else REPLICAS))
            losses.sum().backward()
            optimizer.step()
            optimizer.zero_grad()
            curve.append(losses.detach())
        curves.append(torch.stack(curve))
    # Adam divides by the root of the squared gradient: where a gradient is zero but for rounding, as that of a bias
    # before a normalization is, its direction is noise, and moves that bias, which normalization then takes away.
    torch.testing.assert_close(curves[0], curves[1], rtol=1e-7, atol=0)
    assert not torch.equal(curves[0][0], curves[0][4])


@some_networks
def test_evaluation_uses_the_statistics_that_training_left(example: Example) -> None:
    forms = both(example)
    outputs = []
    for form in forms:
        for _ in range(3):
            form.forward(example.batch(REPLICAS)[0])
        with form.evaluating():
            outputs.append(form.forward(example.batch(1)[0] + 1.0))
    assert_close(*outputs, what="outputs in evaluation")


@some_networks
def test_a_state_is_that_of_the_plain_module(example: Example) -> None:
    originals = example.networks(REPLICAS)
    for form in both(example):
        for replica, original in enumerate(originals):
            state = form.state(replica)
            assert state.keys() == original.state_dict().keys()
            for name, value in original.state_dict().items():
                assert torch.equal(state[name], value), name


@some_networks
def test_a_trained_replica_goes_back_into_its_plain_module(example: Example) -> None:
    x, y = example.batch(1)
    for form in both(example):
        losses_of(form, (x, y)).sum().backward()
        with torch.no_grad():
            for p in form.parameters.values():
                p -= 0.1 * p.grad
        with form.evaluating():
            outputs = form.forward(x)
        for replica in range(REPLICAS):
            network = example.build().double()
            network.load_state_dict({name: value.clone() for name, value in form.state(replica).items()})
            with torch.no_grad():
                assert_close(outputs[replica][None], network.eval()(x[0])[None], f"replica {replica}")


@some_networks
def test_the_loop_is_the_plain_modules_themselves(example: Example) -> None:
    looped = both(example)[1]
    x, y = example.batch(REPLICAS)
    losses_of(looped, (x, y)).sum().backward()
    gradients = plain_gradients(looped, example)
    for replica, network in enumerate(example.networks(REPLICAS)):
        functional.cross_entropy(network.train()(x[replica]), y[replica]).backward()
        for name, p in network.named_parameters():
            torch.testing.assert_close(gradients[name][replica], p.grad, rtol=1e-12, atol=1e-14)


@some_networks
def test_every_network_of_standard_layers_takes_the_fast_form(example: Example) -> None:
    for dtype in (torch.float32, torch.float64):
        sample = example.batch(1, samples=2, dtype=dtype)[0][0]
        assert isinstance(stack(example.networks(REPLICAS, dtype), sample), BatchedStack)


def test_a_chaotic_network_takes_the_fast_form_too() -> None:
    networks = [NETWORKS["mlp"](depth=60, width=16).build((4,), CLASSES, act("tanh").activation) for _ in range(2)]
    for seed, network in enumerate(networks):
        generic(network, seed)
        with torch.no_grad():
            for p in network.parameters():
                p *= 3.0 if p.dim() > 1 else 1.0
    assert isinstance(stack(networks, torch.randn(2, 4, generator=torch.Generator().manual_seed(0))), BatchedStack)


class Written(nn.Module):
    """Two linear layers, and a forward pass given by a function of the module and its input."""

    def __init__(self, forward: Callable[["Written", Tensor], Tensor], features: int = 4) -> None:
        super().__init__()
        self.first, self.output = nn.Linear(features, 6), nn.Linear(6, CLASSES)
        self.dropout, self.scale = nn.Dropout(0.5), nn.Parameter(torch.ones(6))
        self.written = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.written(self, x)


UNKNOWN = {
    "a view": lambda net, x: net.output(net.first(x.view(x.size(0), -1))),
    "a mean over samples": lambda net, x: net.output(net.first(x) - net.first(x).mean(0)),
    "a softmax over samples": lambda net, x: net.output(net.first(x).softmax(0)),
    "a product with a parameter": lambda net, x: net.output(net.first(x) * net.scale),
    "dropout": lambda net, x: net.output(net.dropout(net.first(x))),
    "a matrix product over samples": lambda net, x: net.output((x @ x.t()) @ net.first(x)),
    "a branch on the input": lambda net, x: net.output(net.first(x if x.sum() > 0 else -x)),
    "a flip of the samples": lambda net, x: net.output(net.first(x) + net.first(x).flip(0)),
    "a slice of the features": lambda net, x: net.output(net.first(x)[:, :6]),
    "a sum over one axis with a broadcast": lambda net, x: net.output(net.first(x) + net.first(x).sum(1, keepdim=True)),
}


@pytest.mark.parametrize("forward", UNKNOWN.values(), ids=UNKNOWN)
def test_what_has_no_batched_form_is_looped(forward: Callable[[Written, Tensor], Tensor]) -> None:
    networks = [generic(Written(forward), seed) for seed in range(2)]
    sample = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    form = stack(networks, sample)
    assert isinstance(form, LoopedStack)
    with form.evaluating():
        outputs = form.forward(sample.unsqueeze(0))
    for network, own in zip(networks, outputs, strict=True):
        torch.testing.assert_close(own, network.eval()(sample))


class Tied(nn.Module):
    """Two layers that share one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.output = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, CLASSES)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.second(self.first(x)))


class Recurrence(nn.Module):
    """A recurrent layer from the library."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.output = nn.GRU(4, 5, batch_first=True), nn.Linear(5, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.output(self.cells(x)[0][:, -1])


@pytest.mark.parametrize(
    ("networks", "shape"),
    [
        ([Tied(), Tied()], (4,)),
        ([Recurrence(), Recurrence()], (6, 4)),
        ([chain(bag=nn.Embedding(9, 4), flat=nn.Flatten(), output=nn.Linear(8, CLASSES)) for _ in range(2)], None),
    ],
    ids=["tied weights", "a recurrent layer", "an embedding"],
)
def test_networks_beyond_plain_chains_are_looped(networks: list[nn.Module], shape: tuple[int, ...] | None) -> None:
    rng = torch.Generator().manual_seed(0)
    sample = torch.randint(9, (2, 2), generator=rng) if shape is None else torch.randn(2, *shape, generator=rng)
    form = stack(networks, sample)
    assert isinstance(form, LoopedStack)
    with form.evaluating():
        outputs = form.forward(sample.unsqueeze(0))
    for own, network in zip(outputs, networks, strict=True):
        torch.testing.assert_close(own, network(sample))


def test_the_check_finds_a_batched_form_that_mixes_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a function wrongly taken for pointwise, the comparison with the loop is all that stands."""
    from initbench.train.stack import batched

    cumulated = batched.POINTWISE_FUNCTIONS | {"cumsum"}  # over axis 0: samples in a plain module, replicas in a stack
    monkeypatch.setattr(batched, "POINTWISE_FUNCTIONS", cumulated)
    networks = [generic(Written(lambda net, x: net.output(net.first(x).cumsum(0))), seed) for seed in range(2)]
    for network in networks:
        del network.scale, network.dropout
    sample = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    assert isinstance(BatchedStack(networks, sample), BatchedStack)
    assert isinstance(stack(networks, sample), LoopedStack)


def test_the_check_does_not_hide_behind_zero_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    from initbench.train.stack import batched

    monkeypatch.setattr(batched, "POINTWISE_FUNCTIONS", batched.POINTWISE_FUNCTIONS | {"cumsum"})
    networks = [Written(lambda net, x: net.output(net.first(x).cumsum(0))) for _ in range(2)]
    for network in networks:
        del network.scale, network.dropout
        for p in network.parameters():
            nn.init.zeros_(p)
    assert isinstance(stack(networks, torch.ones(2, 4)), LoopedStack)


def test_a_shared_batch_is_not_copied_for_each_replica() -> None:
    example = CATALOG[f"{BUILT_IN[0][0].label}, relu"]
    form = both(example)[0]
    x = example.batch(1)[0]
    trace = Trace()
    form.forward(x, trace)
    first = trace.signals["layer1"].preactivations[0]
    assert first.shape[0] == REPLICAS
    saved = [t for t in _saved_tensors(first.grad_fn) if t.shape[1:] == x.shape[1:]]
    assert saved
    assert all(t.untyped_storage().nbytes() == x.untyped_storage().nbytes() for t in saved)


def _saved_tensors(node: torch.autograd.graph.Node | None) -> list[Tensor]:
    names = [name for name in dir(node) if name.startswith("_saved_")]
    return [value for name in names if isinstance(value := getattr(node, name), Tensor)]


widths = st.integers(1, 5)
vector_layers = st.one_of(
    st.tuples(st.just("linear"), widths, st.booleans()),
    st.tuples(st.just("activation"), st.sampled_from(["relu", "tanh", "selu", "prelu", "sigmoid"])),
    st.tuples(st.just("slopes")),
    st.tuples(st.just("layer_norm"), st.booleans()),
    st.tuples(st.just("batch_norm"), st.booleans()),
)
image_layers = st.one_of(
    st.tuples(
        st.just("conv"), st.sampled_from([1, 2]), widths, st.sampled_from([1, 3]), st.sampled_from([1, 2]),
        st.sampled_from(["zeros", "circular"]),
    ),
    st.tuples(st.just("activation"), st.sampled_from(["relu", "gelu", "prelu", "softsign"])),
    st.tuples(st.just("slopes")),
    st.tuples(st.just("group_norm")),
    st.tuples(st.just("batch_norm"), st.booleans()),
)  # fmt: skip


def _layer(kind: str, options: list, channels: int, images: bool) -> nn.Module:
    """One layer that reads ``channels`` channels or features."""
    if kind == "conv":
        groups, width, kernel, stride, mode = options
        groups = groups if channels % groups == 0 else 1
        return nn.Conv2d(channels, groups * width, kernel, stride, kernel // 2, groups=groups, padding_mode=mode)
    if kind == "linear":
        return nn.Linear(channels, options[0], bias=options[1])
    if kind == "batch_norm":
        return (nn.BatchNorm2d if images else nn.BatchNorm1d)(channels, affine=options[0])
    make = {
        "activation": lambda: act(options[0]),
        "slopes": lambda: nn.PReLU(channels),
        "group_norm": lambda: nn.GroupNorm(channels, channels),
        "layer_norm": lambda: nn.LayerNorm(channels, elementwise_affine=options[0]),
    }
    return make[kind]()


def _network(images: list[tuple], vectors: list[tuple], channels: int) -> nn.Module:
    """A network from a description: a convolution, the layers on images, an average, the layers on vectors."""
    layers: list[nn.Module] = [nn.Conv2d(2, channels, 3, padding=1)]
    for kind, *options in images:
        layers.append(_layer(kind, options, channels, images=True))
        channels = getattr(layers[-1], "out_channels", channels)
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    for kind, *options in vectors:
        layers.append(_layer(kind, options, channels, images=False))
        channels = getattr(layers[-1], "out_features", channels)
    return nn.Sequential(*layers, nn.Linear(channels, CLASSES))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    images=st.lists(image_layers, max_size=4),
    vectors=st.lists(vector_layers, max_size=4),
    channels=widths,
    replicas=st.integers(1, 4),
    shared=st.booleans(),
)
def test_any_chain_of_known_layers_is_batched_faithfully(
    images: list[tuple], vectors: list[tuple], channels: int, replicas: int, shared: bool
) -> None:
    example = Example(lambda: _network(images, vectors, channels), (2, 4, 4))
    batch = example.batch(1 if shared else replicas)
    batched = stack(example.networks(replicas), batch[0][0][:2])
    looped = LoopedStack(example.networks(replicas))
    assert isinstance(batched, BatchedStack)
    ours, theirs = losses_of(batched, batch), losses_of(looped, batch)
    # Layers that normalize two or three numbers may divide by their nearly vanishing spread.
    torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-10)
    ours.sum().backward()
    theirs.sum().backward()
    for name, p in looped.parameters.items():
        gradient = batched.parameters[name].grad
        turned = gradient.transpose(1, 2) if gradient.dim() == 3 and p.dim() == 3 else gradient
        torch.testing.assert_close(turned, p.grad, rtol=1e-6, atol=1e-8 * float(p.grad.abs().max() + 1))


def test_a_replica_never_hears_of_another() -> None:
    example = HAND_BUILT["residual blocks of images"]
    x, y = example.batch(1)
    lone, crowd = example.networks(4)[:1], example.networks(4)
    with torch.no_grad():
        for p in crowd[1].parameters():
            p.fill_(float("nan"))
    alone, together = BatchedStack(lone, x[0]), BatchedStack(crowd, x[0])
    for form in (alone, together):
        losses_of(form, (x, y)).sum().backward()
    assert torch.isnan(losses_of(together, (x, y))[1])
    for name, p in alone.parameters.items():
        torch.testing.assert_close(together.parameters[name].grad[0], p.grad[0], rtol=1e-10, atol=1e-13)


def test_functional_calls_leave_the_skeleton_alone() -> None:
    example = HAND_BUILT["batch norm of vectors"]
    networks = example.networks(2)
    before = {name: value.clone() for name, value in networks[0].state_dict().items()}
    form = LoopedStack(networks)
    losses_of(form, example.batch(1)).sum().backward()
    assert all(torch.equal(value, before[name]) for name, value in networks[0].state_dict().items())
    replica = functional_call(networks[0].eval(), form.state(1), (example.batch(1)[0][0],))
    assert replica.shape == (7, CLASSES)
