"""The steps of theory, one after another as in a network: forward, backward, and how wide the bands get."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import pytest

from initbench.activations import ACTIVATIONS
from initbench.theory import Band, Gradient, Nonlinearity, Opaque, Signal, Step, Weights
from initbench.theory.signal import log_normal_band

RELU, TANH, SELU, SIGMOID = (ACTIVATIONS[name]() for name in ("relu", "tanh", "selu", "sigmoid"))


class Prediction(NamedTuple):
    """What leaves a step, and the gradient with respect to it."""

    signal: Signal
    gradient: Gradient

    @property
    def gradient_band(self) -> Band:
        return self.gradient.band(self.signal)


def predict(steps: Sequence[Step], input_second_moment: float, output_gradient: float = math.nan) -> list[Prediction]:
    """One for each step of a chain; the gradient given is that with respect to what the last step leaves."""
    signals = list(accumulate(steps, lambda signal, step: step.forward(signal), initial=Signal(input_second_moment)))
    downwards = zip(reversed(steps), reversed(signals[:-1]), strict=True)
    gradients = list(
        accumulate(downwards, lambda gradient, at: at[0].backward(gradient, at[1]), initial=Gradient(output_gradient))
    )
    above = reversed(gradients[:-1])  # the last is the gradient with respect to the input
    return [Prediction(signal, gradient) for signal, gradient in zip(signals[1:], above, strict=True)]


def chain(activation, depth: int, width: int, weight_variance: float, bias_variance: float = 0.0) -> list[Step]:
    layer = Weights(width, width, width, weight_variance / width, bias_variance)
    return [layer, Nonlinearity(activation.values, activation.slopes)] * depth


def preactivations(predictions: list[Prediction]) -> list[Prediction]:
    return predictions[::2]


def simulate(steps: list[Step], activation, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Mean squares of pre-activations and of the gradients with respect to them, for one draw and one input."""
    layers = [step for step in steps if isinstance(step, Weights)]
    x = rng.standard_normal(int(layers[0].fan_in))
    x *= math.sqrt(x.size / (x @ x))
    weights, signals = [], []
    for layer in layers:
        w = rng.standard_normal((layer.units, x.size)) * math.sqrt(layer.weight_variance)
        z = w @ x + rng.standard_normal(layer.units) * math.sqrt(layer.bias_variance)
        x = activation.values(z)
        weights.append(w)
        signals.append(z)
    g = rng.standard_normal(x.size)
    gradients = []
    for w, z in zip(reversed(weights), reversed(signals), strict=True):
        g = g * activation.slopes(z)
        gradients.append(float(g @ g) / g.size)
        g = w.T @ g
    return [float(z @ z) / z.size for z in signals], gradients[::-1]


# pre-activation variance after 10 and 50 layers behind a Gaussian pre-activation of variance 1, without biases
AFTER_10_AND_50 = {
    "PyTorch's default in ReLU": (RELU, 1 / 3, 1.7e-8, 1.2e-39),
    "Xavier in square ReLU layers": (RELU, 1.0, 9.8e-4, 8.9e-16),
    "He in ReLU": (RELU, 2.0, 1.0, 1.0),
    "SELU with torch's gain of 3/4": (SELU, 9 / 16, 0.067, 0.024),
    "tanh with gain 5/3": (TANH, 25 / 9, 1.178, 1.178),
}


@pytest.mark.parametrize("case", AFTER_10_AND_50)
def test_the_signal_shrinks_as_known_after_10_and_50_layers(case: str) -> None:
    activation, weight_variance, after_10, after_50 = AFTER_10_AND_50[case]
    gaussian_input = Weights(1, 1, 1, 1.0)
    nonlinearity_then_weights = chain(activation, 1, 64, weight_variance)[::-1]
    layers = preactivations(predict([gaussian_input, *nonlinearity_then_weights * 50], 1.0))
    assert layers[10].signal.variance == pytest.approx(after_10, rel=0.04)  # known to two digits
    assert layers[50].signal.variance == pytest.approx(after_50, rel=0.04)


def test_he_keeps_forward_and_backward_variance_through_relu() -> None:
    for layer in preactivations(predict(chain(RELU, 30, 128, 2.0), 1.0, 0.25)):
        assert layer.signal.second_moment == pytest.approx(2, rel=1e-9)
        assert layer.gradient.variance == pytest.approx(0.125, rel=1e-9)


def test_xavier_halves_the_gradient_at_each_relu() -> None:
    layers = preactivations(predict(chain(RELU, 30, 128, 1.0), 1.0, 1.0))
    ratios = [a.gradient.variance / b.gradient.variance for a, b in pairwise(layers)]
    assert ratios == pytest.approx([0.5] * 29, rel=1e-9)


def test_fans_scale_forward_by_inputs_and_backward_by_outputs() -> None:
    first, last = Weights(784, 100, 256, 1e-3), Weights(256, 10, 10, 2e-3, bias_variance=0.5)
    found = predict([first, Nonlinearity(RELU.values, RELU.slopes), last], 1.5, 3.0)
    assert found[0].signal.variance == pytest.approx(784 * 1e-3 * 1.5)
    assert found[1].signal.second_moment == pytest.approx(found[0].signal.variance / 2)
    assert found[1].signal.mean == pytest.approx(math.sqrt(found[0].signal.variance / (2 * math.pi)))
    assert found[2].signal.variance == pytest.approx(256 * 2e-3 * found[1].signal.second_moment + 0.5)
    assert found[2].gradient.variance == 3.0
    assert found[1].gradient.variance == pytest.approx(10 * 2e-3 * 3.0)
    assert found[0].gradient.variance == pytest.approx(10 * 2e-3 * 3.0 / 2)


def test_the_band_of_relu_is_that_of_hanin_and_rolnick() -> None:
    width, depth = 50, 20
    last = predict(chain(RELU, depth, width, 2.0), 1.0)[-1].signal
    log_variance = last.log_variance + last.scatter
    assert log_variance == pytest.approx(5 * depth / width, rel=1e-8)
    low, high = last.band
    assert math.log(low * high) / 2 == pytest.approx(-2.5 * depth / width, rel=1e-8)  # the median of |x|^2, from 1
    assert math.log(high / low) == pytest.approx(4 * math.sqrt(log_variance), rel=1e-8)


def test_the_gradient_band_of_relu_widens_towards_the_input_at_the_same_rate() -> None:
    layers = preactivations(predict(chain(RELU, 20, 50, 2.0), 1.0, 1.0))
    widths = [math.log(layer.gradient_band.high / layer.gradient_band.low) ** 2 / 16 for layer in layers]
    assert -np.diff(widths) == pytest.approx([5 / 50] * 19, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("activation", "weight_variance", "bias_variance"),
    [(RELU, 2.0, 0.0), (RELU, 1.0, 0.0), (TANH, 1.5, 0.05), (TANH, 2.5, 0.05), (SELU, 1.0, 0.0), (SIGMOID, 3.0, 0.1)],
    ids=lambda value: getattr(value, "label", str(value)),
)
def test_simulated_networks_agree_in_mean_and_in_band(activation, weight_variance, bias_variance) -> None:
    width, depth, draws = 100, 12, 200
    steps = chain(activation, depth, width, weight_variance, bias_variance)
    rng = np.random.default_rng(1)
    signals, gradients = np.moveaxis([simulate(steps, activation, rng) for _ in range(draws)], 1, 0)
    layers = preactivations(predict(steps, 1.0, 1.0))
    for index, layer in enumerate(layers[:-3]):  # the anchor's own scatter, not predicted, fades after a few layers
        for sample, expected, band in (
            (signals[:, index], layer.signal.second_moment, layer.signal.band),
            (gradients[:, index], layer.gradient.variance, layer.gradient_band),
        ):
            log_variance = (math.log(band.high / band.low) / 4) ** 2
            # the mean of a log-normal sample, with 10 % for what the infinite-width mean leaves out at width 100
            error = 5 * math.sqrt(math.expm1(log_variance) / draws) + 0.1
            assert sample.mean() == pytest.approx(expected, rel=error)
            # the band holds 95.4 %; five binomial errors of 200 draws are 7.4 %, first order in depth/width the rest
            assert np.mean((sample >= band.low) & (sample <= band.high)) > 0.86


def test_a_step_that_theory_cannot_follow_ends_the_prediction_in_both_directions() -> None:
    steps = [*chain(RELU, 2, 8, 2.0), Opaque(), *chain(RELU, 2, 8, 2.0)]
    found = predict(steps, 1.0, 1.0)
    assert [prediction.signal.known for prediction in found] == [True] * 4 + [False] * 5
    assert math.isnan(found[-1].signal.variance)
    assert not any(prediction.gradient.known for prediction in found[:4])
    assert found[-1].gradient.variance == 1.0
    assert math.isnan(found[0].gradient_band.low)


def test_without_an_output_gradient_none_is_predicted() -> None:
    found = predict(chain(RELU, 3, 8, 2.0), 1.0)
    assert all(prediction.signal.known and math.isnan(prediction.gradient.variance) for prediction in found)


def test_an_activation_of_raw_inputs_is_not_predicted() -> None:
    assert not predict([Nonlinearity(RELU.values, RELU.slopes)], 1.0)[0].signal.known


def test_weights_with_a_mean_are_not_predicted_and_chance_is_no_mean() -> None:
    layer = Weights(100, 100, 100, 0.01)
    chance = 0.1 / math.sqrt(100 * 100)  # one standard error
    assert replace(layer, weight_mean=chance).forward(Signal(1.0)).known
    biased = replace(layer, weight_mean=10 * chance)
    assert not biased.forward(Signal(1.0)).known
    assert not biased.backward(Gradient(1.0), Signal(1.0)).known
    assert not Weights(100, 100, 100, 0.0, weight_mean=0.1).forward(Signal(1.0)).known  # a constant scheme


def test_zero_weights_predict_zero_and_not_nothing() -> None:
    steps = [*chain(RELU, 2, 8, 2.0), Weights(8, 3, 3, 0.0)]
    found = predict(steps, 1.0, 1.0)
    assert found[-1].signal.second_moment == 0
    assert [prediction.gradient.variance for prediction in found] == [0, 0, 0, 0, 1.0]
    assert found[-1].signal.band == (0, 0)


def test_signals_beyond_the_range_of_floats_are_unknown_rather_than_infinite() -> None:
    found = predict(chain(RELU, 40, 8, 1e12), 1.0)
    assert found[10].signal.known
    assert not found[-1].signal.known
    assert math.isnan(found[-1].signal.second_moment)


@pytest.mark.parametrize("activation", [TANH, RELU, SIGMOID], ids=lambda a: a.label)
def test_the_pull_is_the_elasticity_of_the_gradient(activation) -> None:
    steps = [Nonlinearity(activation.values, activation.slopes), *chain(activation, 2, 10, 2.0, 0.1)]

    def at(q: float) -> Gradient:
        signal, signals = Signal(q, gaussian=True), []
        for step in steps:
            signals.append(signal)
            signal = step.forward(signal)
        gradient = Gradient(1.0)
        for step, entering in zip(reversed(steps), reversed(signals), strict=True):
            gradient = step.backward(gradient, entering)
        return gradient

    h = 1e-4
    numeric = (math.log(at(1 + h).variance) - math.log(at(1 - h).variance)) / math.log((1 + h) / (1 - h))
    assert at(1.0).pull == pytest.approx(numeric, abs=1e-6)


def test_a_variance_that_overflow_has_made_negative_leaves_the_band_unknown() -> None:
    assert all(math.isnan(end) for end in (log_normal_band(1.0, -1.0).low, log_normal_band(1.0, math.nan).high))
