import math
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from initbench.activations import ACTIVATIONS
from initbench.datasets import Split
from initbench.networks import NETWORKS
from initbench.seeding import generator
from initbench.sites import survey
from initbench.train.blueprint import blueprint
from initbench.train.prediction import COLUMNS, Predictor
from initbench.train.probe import Probe
from initbench.train.stack import stack

CLASSES = 10


def inputs(*shape: int, samples: int = 64) -> Split:
    rng = generator(0, "inputs")
    return Split(torch.randn(samples, *shape, generator=rng), torch.randint(CLASSES, (samples,), generator=rng))


def drawn(network: nn.Module, seed: int, weight_variance: float, bias_variance: float = 0.0) -> nn.Module:
    """Weights of variance weight_variance / fan_in, independent of the package's own schemes."""
    with torch.no_grad():
        for name, p in network.named_parameters():
            if p.dim() > 1:
                std = math.sqrt(weight_variance / p[0].numel())
                p.copy_(torch.randn(p.shape, generator=generator(seed, name)) * std)
            elif name.endswith("bias") and "norm" not in name:
                p.copy_(torch.randn(p.shape, generator=generator(seed, name)) * math.sqrt(bias_variance))
    return network


def observed(networks: list[nn.Module], data: Split, *, independent: bool = True) -> dict[str, np.ndarray]:
    """Measured and predicted columns, [layers, R]."""
    sites = survey(networks[0], data.x[:2])
    graph = blueprint(networks[0], data.x[:2])
    stacked = stack(networks, data.x[:2])
    measured = Probe(sites, Split(data.x[None], data.y[None]), "classification").measure(stacked)
    predictor = Predictor(graph, sites, data.x, [independent] * len(networks))
    return {**measured, **predictor.columns(stacked, measured)}


def one_by_one(make, data: Split, seeds: int) -> dict[str, np.ndarray]:
    """As ``observed`` of many networks, holding one wide network at a time."""
    found = [observed([make(seed)], data) for seed in range(seeds)]
    return {name: np.concatenate([one[name] for one in found], axis=1) for name in found[0]}


def ratio(found: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Measured over predicted by layer, the geometric mean over the seeds."""
    return np.exp(np.log(found[name] / found[f"predicted_{name}"]).mean(axis=1))


def in_band(found: dict[str, np.ndarray], name: str) -> float:
    low, high = found[f"predicted_{name}_low"], found[f"predicted_{name}_high"]
    return float(np.mean((low <= found[name]) & (found[name] <= high)))


def mlp(activation: str, depth: int, width: int, **options) -> nn.Module:
    return NETWORKS["mlp"](depth=depth, width=width, **options).build((width,), CLASSES, ACTIVATIONS[activation]())


def chain(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(OrderedDict((f"step{i}", layer) for i, layer in enumerate(layers)))


def act(name: str) -> nn.Module:
    return ACTIVATIONS[name]().layer()


WIDE, DEEP, SEEDS = 1000, 20, 6


@pytest.mark.slow
@pytest.mark.parametrize("weight_variance", [1.0, 1.5, 2.5, 4.0])
def test_deep_tanh_networks_carry_signal_and_gradient_as_predicted(weight_variance: float) -> None:
    found = one_by_one(lambda seed: drawn(mlp("tanh", DEEP, WIDE), seed, weight_variance, 0.05), inputs(WIDE), SEEDS)
    # Each layer adds a scatter of 2/1000 to a logarithm; deep in, some 10 layers' worth is left of the signal and all
    # of the gradient: a standard error of the mean over six seeds of about 6 %/√6 each way, so 6 % is over two of them.
    assert ratio(found, "preact_variance")[:-1] == pytest.approx(1, abs=0.06)  # ten outputs are too few to average
    assert ratio(found, "activation_variance")[:-1] == pytest.approx(1, abs=0.06)
    assert ratio(found, "grad_variance") == pytest.approx(1, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("weight_variance", [2.0, 1.0])
def test_he_and_xavier_in_relu_stay_in_the_band_of_their_width(weight_variance: float) -> None:
    found = one_by_one(lambda seed: drawn(mlp("relu", DEEP, WIDE), seed, weight_variance), inputs(WIDE), SEEDS)
    for name in ("preact_variance", "activation_variance", "grad_variance"):
        # 95 % of networks lie in the band, and the layers of one network move together: one of six may leave it.
        assert in_band(found, name) > 0.8
    assert found["predicted_preact_variance"][-1] == pytest.approx(
        weight_variance * (weight_variance / 2) ** (DEEP - 1), rel=0.02
    )


@pytest.mark.slow
def test_selu_with_lecun_keeps_mean_zero_and_variance_one_over_32_layers() -> None:
    found = one_by_one(lambda seed: drawn(mlp("selu", 33, WIDE), seed, 1.0), inputs(WIDE), SEEDS)
    assert found["activation_mean"][:-1].mean(axis=1) == pytest.approx(0, abs=0.05)
    assert np.exp(np.log(found["activation_variance"][:-1]).mean(axis=1)) == pytest.approx(1, abs=0.05)
    assert ratio(found, "activation_variance")[:-1] == pytest.approx(1, abs=0.05)
    assert ratio(found, "grad_variance") == pytest.approx(1, abs=0.06)


def small(make, seeds: int = 8) -> list[nn.Module]:
    return [make(seed) for seed in range(seeds)]


# Width 200 and eight seeds: a layer scatters by √(5/200) = 16 % in one network, over the √8 networks by 6 %, and six
# layers by 14 %; three standard errors.
SMALL = 0.4


@pytest.mark.parametrize("norm", ["batch", "layer"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_normalized_networks_are_followed(norm: str, activation: str) -> None:
    found = observed(small(lambda seed: drawn(mlp(activation, 7, 200, norm=norm), seed, 3.0)), inputs(200, samples=200))
    assert ratio(found, "preact_variance") == pytest.approx(1, abs=SMALL)
    assert ratio(found, "activation_variance") == pytest.approx(1, abs=SMALL)
    assert ratio(found, "grad_variance") == pytest.approx(1, abs=SMALL)


def test_batch_normalization_in_relu_makes_gradients_grow_as_known() -> None:
    found = observed(
        small(lambda seed: drawn(mlp("relu", 7, 200, norm="batch"), seed, 3.0), 1), inputs(200, samples=200)
    )
    growth = found["predicted_grad_variance"][1:5, 0] / found["predicted_grad_variance"][2:6, 0]
    # Yang et al. 2019: π / (π - 1) whatever the scale of the weights. The variances of two neighboring layers, each of
    # 40,000 weights, differ by √(4/40000) = 1 %; four standard errors.
    assert growth == pytest.approx(math.pi / (math.pi - 1), rel=0.04)


def test_residual_branches_add_up() -> None:
    network = NETWORKS["resnet"](depth=10, width=200)
    found = observed(
        small(lambda seed: drawn(network.build((200,), CLASSES, ACTIVATIONS["relu"]()), seed, 1.0)), inputs(200)
    )
    assert ratio(found, "preact_variance") == pytest.approx(1, abs=SMALL)
    assert ratio(found, "grad_variance") == pytest.approx(1, abs=SMALL)
    stem, last = found["predicted_preact_variance"][0, 0], found["predicted_preact_variance"][-1, 0]
    # each branch adds half of half of what passes, and the output reads half of the sum
    assert last / stem == pytest.approx(1.25**4 / 2, rel=0.15)  # as drawn: 10 × 200 output weights are off by 3 %


def test_an_addition_of_signals_with_a_mean_has_no_prediction() -> None:
    network = NETWORKS["resnet"](depth=6, width=50, order="post")
    found = observed([drawn(network.build((50,), CLASSES, ACTIVATIONS["relu"]()), 0, 1.0)], inputs(50))
    known = np.isfinite(found["predicted_preact_variance"][:, 0])
    assert known.tolist() == [True, True, True, False, False, False]


def test_circular_convolutions_are_followed_up_to_the_pooling_and_back() -> None:
    network = NETWORKS["cnn"](depth=5, channels=64, strides=(1, 2), padding="circular")
    found = observed(
        small(lambda seed: drawn(network.build((3, 8, 8), CLASSES, ACTIVATIONS["relu"]()), seed, 2.0), 6),
        inputs(3, 8, 8),
    )
    assert ratio(found, "preact_variance")[:-1] == pytest.approx(1, abs=0.3)  # 64 channels, 6 seeds: √(4·5/64/6) = 23 %
    assert np.isnan(found["predicted_preact_variance"][-1]).all()
    assert ratio(found, "grad_variance") == pytest.approx(1, abs=0.5)


def test_zero_padding_counts_for_what_it_does_at_the_border() -> None:
    network = NETWORKS["cnn"](depth=9, channels=64, strides=(), padding="zeros", head="flatten")
    found = observed(
        small(lambda seed: drawn(network.build((3, 6, 6), CLASSES, ACTIVATIONS["relu"]()), seed, 2.0), 4),
        inputs(3, 6, 6),
    )
    blind = found["predicted_preact_variance"][0, 0]  # what a prediction that knows no border would keep to
    assert found["predicted_preact_variance"][7, 0] < 0.5 * blind
    # 8 layers of 64 channels over 4 seeds scatter by √(8·5/64/4) = 40 %
    assert ratio(found, "preact_variance") == pytest.approx(1, abs=0.8)
    assert ratio(found, "grad_variance") == pytest.approx(1, abs=0.8)


def test_an_average_hands_equal_gradients_to_its_positions() -> None:
    network = chain(nn.Conv2d(1, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, CLASSES))
    found = observed([drawn(network, 0, 1.0)], inputs(1, 4, 4))
    output, below = found["predicted_grad_variance"][::-1, 0]
    weight = dict(network.named_parameters())["step3.weight"]
    assert below == pytest.approx(CLASSES * float(weight.detach().var(correction=0)) * output / 16**2, rel=1e-5)


class Doubled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x


class Sorted(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.sort(dim=1).values


class Branching(nn.Module):
    """Python that cannot be traced."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(20, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) if float(x.sum()) < 1e9 else x


@pytest.mark.parametrize(
    "layer", [nn.Softmax(dim=1), Sorted(), Doubled(), nn.LogSigmoid()], ids=lambda x: type(x).__name__
)
def test_an_unknown_layer_ends_the_prediction_in_both_directions(layer: nn.Module) -> None:
    network = chain(nn.Linear(20, 20), act("relu"), layer, nn.Linear(20, 20), act("relu"), nn.Linear(20, CLASSES))
    found = observed([drawn(network, 0, 2.0)], inputs(20))
    assert np.isfinite(found["predicted_preact_variance"][:, 0]).tolist() == [True, False, False]
    assert np.isfinite(found["predicted_activation_variance"][:, 0]).tolist() == [True, False, False]
    # the activation between needs the signal that is not known
    assert np.isfinite(found["predicted_grad_variance"][:, 0]).tolist() == [False, False, True]


def test_a_network_that_cannot_be_traced_has_no_prediction() -> None:
    found = observed([drawn(Branching(), 0, 2.0)], inputs(20))
    assert all(np.isnan(found[name]).all() for name in COLUMNS)


def test_shared_weights_have_no_prediction() -> None:
    shared = nn.Linear(20, 20)
    network = chain(shared, act("tanh"), shared, act("tanh"), nn.Linear(20, CLASSES))
    found = observed([drawn(network, 0, 1.0)], inputs(20))
    assert np.isnan(found["predicted_preact_variance"]).all()


def test_weights_and_biases_with_a_mean_have_no_prediction() -> None:
    positive, shifted = drawn(mlp("relu", 3, 50), 0, 1.0), drawn(mlp("relu", 3, 50), 0, 1.0)
    with torch.no_grad():
        positive.layer2.weight.abs_()
        shifted.layer2.bias.fill_(0.1)
    for network in (positive, shifted):
        found = observed([network], inputs(50))
        assert np.isfinite(found["predicted_preact_variance"][:, 0]).tolist() == [True, False, False]


def test_biases_computed_from_data_have_no_prediction_and_zero_ones_have() -> None:
    biased, plain = drawn(mlp("relu", 3, 50), 0, 1.0, 0.1), drawn(mlp("relu", 3, 50), 0, 1.0)
    assert np.isnan(observed([biased], inputs(50), independent=False)["predicted_preact_variance"]).all()
    assert np.isfinite(observed([plain], inputs(50), independent=False)["predicted_preact_variance"]).all()


def test_a_zero_output_layer_predicts_gradients_of_zero() -> None:
    network = drawn(mlp("relu", 4, 50), 0, 2.0)
    with torch.no_grad():
        network.output.weight.zero_()
    found = observed([network], inputs(50))
    assert found["predicted_grad_variance"][:-1, 0].tolist() == [0, 0, 0] == found["grad_variance"][:-1, 0].tolist()
    assert found["predicted_preact_variance"][-1, 0] == 0


def test_each_replica_is_predicted_from_its_own_weights() -> None:
    networks = [drawn(mlp("tanh", 4, 50), seed, variance) for seed, variance in enumerate((0.5, 2.0))]
    together = observed(networks, inputs(50))
    for replica, network in enumerate(networks):
        alone = observed([network], inputs(50))
        for name in COLUMNS:
            assert together[name][:, replica] == pytest.approx(alone[name][:, 0], rel=1e-4), name
