import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from initbench.activations import ACTIVATIONS
from initbench.theory import QuadratureError, expectation, gain, mean_square_difference, pair_expectation, std_gain

Function = Callable[[np.ndarray], np.ndarray]


def by_scipy(function: Function, std: float, cuts: tuple[float, ...] = (0.0,)) -> float:
    """The same expectation by adaptive Gauss-Kronrod between cuts in u, a rule that shares nothing with ours."""
    features = [sign * std * edge for edge in (0.5, 1, 2, 4, 7, 12) for sign in (-1, 1)]
    edges = sorted({*cuts, *features, -3.0, -1.0, -0.3, 0.3, 1.0, 3.0})

    def integrand(u: float) -> float:
        return float(function(np.array([u]))[0]) * stats.norm.pdf(u, scale=std)

    pieces = pairwise(edges)
    return sum(integrate.quad(integrand, low, high, epsabs=1e-13, epsrel=1e-12, limit=200)[0] for low, high in pieces)


def relu(u: np.ndarray) -> np.ndarray:
    return np.maximum(u, 0)


def step(u: np.ndarray) -> np.ndarray:
    return np.where(u > 0, 1.0, 0.0)


def hard_tanh(u: np.ndarray) -> np.ndarray:
    return np.clip(u, -1.3, 0.7)


@pytest.mark.parametrize("std", [0.3, 1.0, 4.0])
@pytest.mark.parametrize("activation", [cls() for cls in ACTIVATIONS.values()], ids=lambda a: a.label)
def test_second_moments_agree_with_adaptive_quadrature(activation, std) -> None:
    for function in (activation.values, activation.slopes):
        found = expectation(lambda u, f=function: f(u) ** 2, std)
        assert found == pytest.approx(by_scipy(lambda u, f=function: f(u) ** 2, std), rel=1e-8, abs=1e-10)


@given(power=st.integers(0, 8), std=st.floats(1e-6, 1e6))
@settings(max_examples=40, deadline=None)
def test_even_moments_are_double_factorials(power: int, std: float) -> None:
    expected = math.prod(range(1, 2 * power, 2))
    assert expectation(lambda u: (u / std) ** (2 * power), std) == pytest.approx(expected, rel=1e-10)
    assert expectation(lambda u: (u / std) ** (2 * power + 1), std) == pytest.approx(
        0, abs=1e-10 * (2 * power + 1) ** 9
    )


@given(kink=st.floats(-5, 5), std=st.floats(0.1, 10))
@settings(max_examples=60, deadline=None)
def test_a_kink_may_lie_anywhere(kink: float, std: float) -> None:
    a = kink / std
    expected = std * (2 * stats.norm.pdf(a) + a * (2 * stats.norm.cdf(a) - 1))  # the mean of the folded normal
    assert expectation(lambda u: np.abs(u - kink), std) == pytest.approx(expected, rel=1e-10)


@given(threshold=st.floats(-5, 5), std=st.floats(0.1, 10))
@settings(max_examples=60, deadline=None)
def test_a_jump_may_lie_anywhere(threshold: float, std: float) -> None:
    found = expectation(lambda u: np.where(u > threshold, 1.0, 0.0), std)
    assert found == pytest.approx(special.ndtr(-threshold / std), abs=1e-10)


@given(tilt=st.floats(-2, 2))
@settings(max_examples=30, deadline=None)
def test_exponential_growth_is_within_reach(tilt: float) -> None:
    assert expectation(lambda z: np.exp(tilt * z)) == pytest.approx(math.exp(tilt**2 / 2), rel=1e-10)


@pytest.mark.parametrize("std", [4.0, 30.0, 1e3, 1e6])
def test_a_saturated_derivative_is_not_missed(std: float) -> None:
    # for wide Gaussians E[tanh'(u)^2] tends to pdf(0) times the integral of (1 - tanh^2)^2, which is 4/3
    found = expectation(lambda u: (1 - np.tanh(u) ** 2) ** 2, std)
    correction = 1 / std**2  # of the order of the density's curvature over the width of the peak
    assert found == pytest.approx(4 / 3 / (std * math.sqrt(2 * math.pi)), rel=correction)


def test_a_function_of_noise_is_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(QuadratureError, match="float64"):
        expectation(lambda z: rng.standard_normal(z.shape))


def test_single_precision_is_refused_rather_than_trusted() -> None:
    with pytest.raises(QuadratureError, match="float64"):
        expectation(lambda z: np.tanh(z.astype(np.float32)))


def test_values_that_are_not_finite_are_handed_on() -> None:
    assert math.isnan(expectation(lambda z: np.full_like(z, np.nan)))


def test_the_gain_of_a_function_that_vanishes_is_infinite() -> None:
    assert gain(np.zeros_like) == math.inf
    assert std_gain(lambda z: np.full_like(z, 3.0)) == math.inf


CORRELATIONS = (-1.0, -0.999, -0.4, 0.0, 0.3, 0.9, 0.9999, 1 - 1e-6, 1 - 1e-10, 1.0)


@pytest.mark.parametrize("c", CORRELATIONS)
def test_pairs_of_rectifiers_follow_the_arc_cosine_kernels(c: float) -> None:
    # Cho and Saul 2009, kernels of degree 0 and 1
    angle = math.acos(c)
    q = 1.7
    ramp = q * (math.sqrt(1 - c * c) + (math.pi - angle) * c) / (2 * math.pi)
    assert pair_expectation(relu, relu, c, math.sqrt(q)) == pytest.approx(ramp, abs=1e-10)
    assert pair_expectation(step, step, c) == pytest.approx((math.pi - angle) / (2 * math.pi), abs=1e-10)


@pytest.mark.parametrize("c", CORRELATIONS)
@pytest.mark.parametrize("std", [0.5, 1.0, 20.0])
def test_pairs_of_error_functions_follow_the_arc_sine_kernel(c: float, std: float) -> None:
    # Williams 1997: E[erf(u) erf(v)] = 2/pi asin(2 c q / (1 + 2 q))
    q = std**2
    expected = 2 / math.pi * math.asin(2 * c * q / (1 + 2 * q))
    assert pair_expectation(special.erf, special.erf, c, std) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("c", [-0.7, 0.2, 0.95])
def test_pairs_with_kinks_off_zero_agree_with_iterated_quadrature(c: float) -> None:
    # E[relu(u1 - 1/2) hard_tanh(u2)]: the inner expectation in closed form, the outer by scipy
    spread = math.sqrt(1 - c * c)

    def inner(u: float) -> float:  # E[clip(m + s z, low, high)]
        def excess(edge: float) -> float:  # E[max(m + s z - edge, 0)]
            t = (c * u - edge) / spread
            return spread * (stats.norm.pdf(t) + t * stats.norm.cdf(t))

        return -1.3 + excess(-1.3) - excess(0.7)

    outer = integrate.quad(lambda u: (u - 0.5) * inner(u) * stats.norm.pdf(u), 0.5, 12, epsabs=1e-13, limit=200)[0]
    assert pair_expectation(lambda u: relu(u - 0.5), hard_tanh, c) == pytest.approx(outer, abs=1e-9)


@given(c=st.floats(-1, 1), shift=st.floats(-2, 2), std=st.floats(0.2, 5))
@settings(max_examples=15, deadline=None)
def test_pairs_of_shifted_steps_have_the_orthant_probability(c: float, shift: float, std: float) -> None:
    # by Plackett's identity P(u1 > a, u2 > a) is the square at c = 0 plus the integral of the density over c
    a = shift / std

    def density(angle: float) -> float:  # over asin(c), which removes the singularity at c = 1
        return math.exp(-(a**2) / (1 + math.sin(angle))) / (2 * math.pi)

    expected = special.ndtr(-a) ** 2 + integrate.quad(density, 0, math.asin(c), epsabs=1e-13)[0]
    above = pair_expectation(lambda u: step(u - shift), lambda u: step(u - shift), c, std)
    assert above == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("decorrelation", [1.0, 0.3, 1e-3, 1e-6, 1e-9, 1e-12])
def test_small_differences_keep_their_digits(decorrelation: float) -> None:
    # for f = u^2 and q = 1, E[(u1^2 - u2^2)^2] = 4 (1 - c^2)
    found = mean_square_difference(np.square, decorrelation)
    assert found == pytest.approx(4 * decorrelation * (2 - decorrelation), rel=1e-8)


@pytest.mark.parametrize("c", [-1.1, 1.0000001, math.nan])
def test_a_correlation_out_of_range_is_refused(c: float) -> None:
    with pytest.raises(ValueError, match="correlation"):
        pair_expectation(relu, relu, c)
