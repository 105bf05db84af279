import doctest
import math
from pathlib import Path

import numpy as np
import pytest

from initbench.activations import ACTIVATIONS
from initbench.theory import (
    MeanField,
    critical_bias_variance,
    critical_point,
    critical_weight_variance,
    depth_scale,
    mean_field,
    pair_expectation,
    variance_fixed_point,
    variance_map,
)

TANH, RELU, GELU, SELU, SIGMOID, SOFTSIGN = (
    ACTIVATIONS[name]() for name in ("tanh", "relu", "gelu", "selu", "sigmoid", "softsign")
)


def settled(activation, weight_variance: float, bias_variance: float = 0.0) -> MeanField:
    return mean_field(activation.values, activation.slopes, weight_variance, bias_variance)


# computed by split quadrature outside this project: (weight variance, bias variance) to q*, chi1, c*, xi_c
TANH_POINTS = {
    (1.0, 0.05): (0.193593, 0.759032, 1, 3.627),
    (1.5, 0.05): (0.418037, 0.938636, 1, 15.791),
    (2.5, 0.05): (1.063958, 1.133516, 0.446804, 11.796),
    (4.0, 0.05): (2.195494, 1.342402, 0.165065, 6.980),
}
TANH_CRITICAL_LINE = {0.01: (1.424205, 0.273301), 0.05: (1.760955, 0.570048), 0.1: (1.986073, 0.805799)}


@pytest.mark.parametrize(("variances", "expected"), TANH_POINTS.items())
def test_tanh_settles_where_the_literature_says(variances, expected) -> None:
    found = settled(TANH, *variances)
    q_star, chi1, c_star, xi_c = expected
    assert found.q_star == pytest.approx(q_star, rel=1e-5)
    assert found.chi1 == pytest.approx(chi1, rel=1e-5)
    assert found.c_star == pytest.approx(c_star, abs=1e-5)
    assert found.xi_c == pytest.approx(xi_c, abs=1e-3)
    assert found.phase == ("ordered" if chi1 < 1 else "chaotic")


@pytest.mark.parametrize(("bias_variance", "expected"), TANH_CRITICAL_LINE.items())
def test_the_critical_line_of_tanh_runs_through_the_known_points(bias_variance, expected) -> None:
    weight_variance, q_star = expected
    found = critical_weight_variance(TANH.values, TANH.slopes, bias_variance)
    assert found == pytest.approx(weight_variance, rel=1e-6)
    assert settled(TANH, found, bias_variance).q_star == pytest.approx(q_star, rel=1e-5)
    assert critical_bias_variance(TANH.values, TANH.slopes, found) == pytest.approx(bias_variance, rel=1e-8)


def test_the_published_critical_pair_is_critical() -> None:
    # Xiao et al. 2018 train a 10 000-layer tanh network at (1.05, 2.01e-5)
    assert settled(TANH, 1.05, 2.01e-5).phase == "critical"
    assert critical_bias_variance(TANH.values, TANH.slopes, 1.05) == pytest.approx(2.01e-5, rel=1e-3)


def test_the_edge_of_chaos_of_relu_is_a_single_point() -> None:
    assert critical_weight_variance(RELU.values, RELU.slopes, 0.0) == pytest.approx(2, rel=1e-10)
    assert critical_weight_variance(RELU.values, RELU.slopes, 0.1) is None
    assert critical_bias_variance(RELU.values, RELU.slopes, 2.0) == 0
    assert critical_bias_variance(RELU.values, RELU.slopes, 1.9) is None
    point = settled(RELU, 2.0)
    assert (point.phase, point.c_star, point.xi_c, point.xi_q) == ("critical", 1.0, math.inf, math.inf)
    assert point.q_star == pytest.approx(2)  # every variance is fixed: the first layer's stands


def test_a_relu_below_the_edge_follows_the_closed_form() -> None:
    found = settled(RELU, 1.5, 0.1)
    assert found.q_star == pytest.approx(0.1 / (1 - 0.75), rel=1e-10)
    assert found.chi1 == pytest.approx(0.75, rel=1e-10)
    assert found.xi_q == pytest.approx(-1 / math.log(0.75), rel=1e-8)
    assert (found.phase, found.c_star) == ("ordered", 1.0)


@pytest.mark.parametrize("variances", [(3.0, 0.0), (2.0, 0.1), (2.1, 0.5)])
def test_a_relu_beyond_the_edge_has_no_fixed_point(variances) -> None:
    found = settled(RELU, *variances)
    assert found.q_star == math.inf
    assert found.phase == "unbounded"
    assert (found.c_star, found.xi_q, found.xi_c) == (None, None, None)
    assert found.chi1 == pytest.approx(variances[0] / 2, rel=1e-10)


def test_a_signal_that_dies_out_has_variance_zero() -> None:
    found = settled(TANH, 0.5)
    assert (found.q_star, found.phase, found.c_star) == (0.0, "ordered", 1.0)
    assert found.chi1 == pytest.approx(0.5, rel=1e-10)
    assert found.xi_q == pytest.approx(1 / math.log(2), rel=1e-8)


def test_dead_weights_leave_the_variance_of_the_biases() -> None:
    assert settled(TANH, 0.0).q_star == 0
    found = settled(TANH, 0.0, 0.3)
    assert found.q_star == pytest.approx(0.3, rel=1e-12)
    assert (found.chi1, found.xi_c, found.xi_q) == (0, 0, 0)


def test_selu_has_its_fixed_point_at_variance_one() -> None:
    found = settled(SELU, 1.0)
    assert found.q_star == pytest.approx(1, rel=1e-9)
    assert found.xi_q < 10  # attracting, as the paper proves


def test_an_odd_activation_without_biases_forgets_all_correlation() -> None:
    assert settled(TANH, 2.0).c_star == 0
    assert settled(SOFTSIGN, 2.0).c_star == 0


@pytest.mark.parametrize("excess", [1e-1, 1e-2, 1e-3, 1e-4])
@pytest.mark.parametrize("activation", [TANH, SELU], ids=lambda a: a.label)
def test_the_correlation_settles_at_a_fixed_point_of_its_map_close_to_criticality_too(activation, excess) -> None:
    weight_variance = critical_weight_variance(activation.values, activation.slopes, 0.05) + excess
    found = settled(activation, weight_variance, 0.05)
    kernel = pair_expectation(activation.values, activation.values, found.c_star, math.sqrt(found.q_star))
    assert 0 < found.c_star < 1
    assert (weight_variance * kernel + 0.05) / found.q_star == pytest.approx(found.c_star, abs=1e-9)


def test_the_depth_scale_diverges_towards_the_critical_line_from_both_sides() -> None:
    critical = critical_weight_variance(TANH.values, TANH.slopes, 0.05)
    for side in (-1, 1):
        scales = [settled(TANH, critical + side * distance, 0.05).xi_c for distance in (0.3, 0.1, 0.01, 0.001)]
        assert scales == sorted(scales)
        assert scales[-1] > 1000


@pytest.mark.parametrize("variances", [(1.5, 0.05), (2.5, 0.05), (1.76, 0.05)])
def test_the_depth_scale_of_the_variance_is_the_slope_of_its_map(variances) -> None:
    found = settled(TANH, *variances)
    q, h = found.q_star, 1e-4
    slope = (variance_map(TANH.values, q + h, *variances) - variance_map(TANH.values, q - h, *variances)) / (2 * h)
    assert found.xi_q == pytest.approx(depth_scale(slope), rel=1e-6)


def test_the_fixed_point_is_where_a_signal_of_unit_input_ends() -> None:
    for activation, variances in ((TANH, (2.5, 0.05)), (SELU, (1.0, 0.0)), (SIGMOID, (3.0, 0.1)), (GELU, (1.9, 0.3))):
        q = sum(variances)
        for _ in range(3000):
            q = variance_map(activation.values, q, *variances)
        assert variance_fixed_point(activation.values, *variances) == pytest.approx(q, rel=1e-6)


def test_a_critical_point_that_repels_signals_is_not_offered() -> None:
    # the critical points of GELU without biases have V' > 1, and unit inputs grow without bound
    assert critical_weight_variance(GELU.values, GELU.slopes, 0.0) is None
    point = critical_point(GELU.values, GELU.slopes, 1.0)
    assert variance_map(GELU.values, 1.0, point.weight_variance, point.bias_variance) == pytest.approx(1, rel=1e-10)
    assert point.weight_variance == pytest.approx(1.481114412708**2, rel=1e-9)


@pytest.mark.parametrize("slope", [1.0, -1.0, 1.7])
def test_a_distance_that_does_not_shrink_has_an_infinite_depth_scale(slope) -> None:
    assert depth_scale(slope) == math.inf


@pytest.mark.parametrize("variances", [(-1.0, 0.0), (1.0, -0.1), (math.nan, 0.0), (math.inf, 0.0)])
def test_impossible_variances_are_refused(variances) -> None:
    with pytest.raises(ValueError, match="variance must be a finite number"):
        settled(TANH, *variances)


def test_plain_functions_will_do_for_an_activation() -> None:
    found = mean_field(np.tanh, lambda u: 1 - np.tanh(u) ** 2, 1.5, 0.05)
    assert found.q_star == pytest.approx(settled(TANH, 1.5, 0.05).q_star, rel=1e-12)


def test_the_examples_of_the_theory_page_are_right() -> None:
    page = Path(__file__).parents[1] / "docs" / "theory.md"
    tried = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert tried.attempted > 3
    assert tried.failed == 0


@pytest.mark.slow
def test_simulated_networks_settle_where_predicted() -> None:
    """Two inputs through 40 tanh layers of width 500, over 10 draws."""
    weight_variance, bias_variance, width, draws = 2.5, 0.05, 500, 10
    found = settled(TANH, weight_variance, bias_variance)
    rng = np.random.default_rng(0)
    variances, correlations = [], []
    for _ in range(draws):
        x = rng.standard_normal((width, 2))
        for _ in range(40):
            weights = rng.standard_normal((width, width)) * math.sqrt(weight_variance / width)
            z = weights @ np.tanh(x) + math.sqrt(bias_variance) * rng.standard_normal((width, 1))
            x = z
        variances.append((z**2).mean())
        correlations.append(np.corrcoef(z.T)[0, 1])
    # log q scatters with variance 2/n and a like amount from before; a correlation with (1 - c^2)/sqrt(n), enlarged
    # by 1/sqrt(1 - slope^2) through the layers before, where slope = exp(-1/xi_c) = .919: by 2.5
    assert np.mean(variances) == pytest.approx(found.q_star, rel=5 * math.sqrt(4 / width / draws))
    assert np.mean(correlations) == pytest.approx(found.c_star, abs=5 * 2.5 * 0.8 / math.sqrt(width * draws))
