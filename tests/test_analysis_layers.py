"""Profiles: averages over seeds and growth through the depth, against values worked out by hand."""

import math

import pytest
from synthetic_results import Trial, results

from initbench.analysis import layers


def profile(*trials):
    return layers.profiles(results(*trials))


def of(rows, probe, layer):
    return rows[(rows["probe"] == probe) & (rows["layer"] == layer)].iloc[0]


def test_variances_are_averaged_geometrically_and_arithmetically():
    rows = profile(
        Trial("he", 0, (1.0, 0.5), activations=[(1.0, 1e-4, 1.0)]),
        Trial("he", 1, (1.0, 0.5), activations=[(4.0, 1e-8, 1.0)]),
    )
    assert of(rows, "first", 1)["activation_variance_geomean"] == pytest.approx(2.0)
    assert of(rows, "first", 1)["activation_variance_mean"] == pytest.approx(2.5)
    assert of(rows, "first", 2)["activation_variance_geomean"] == pytest.approx(1e-6)


def test_the_first_and_the_last_probe_are_kept_apart():
    rows = profile(Trial("he", 0, (1.0, 0.5), activations=[(1.0, 1.0), (3.0, 5.0)], gradients=[(1.0, 1.0)] * 2))
    assert of(rows, "first", 2)[["step", "activation_variance_geomean"]].tolist() == [0, pytest.approx(1.0)]
    assert of(rows, "last", 2)[["step", "activation_variance_geomean"]].tolist() == [20, pytest.approx(5.0)]


def test_a_zero_makes_a_geometric_mean_zero_and_what_overflows_is_counted_not_averaged():
    rows = profile(
        Trial("he", 0, (1.0, 0.5), activations=[(0.0, 2.0)], gradients=[(1.0, 1.0)]),
        Trial("he", 1, (1.0, 0.5), activations=[(1.0, math.inf)], gradients=[(1.0, 1.0)]),
    )
    assert of(rows, "first", 1)["activation_variance_geomean"] == 0
    assert of(rows, "first", 2)["activation_variance_geomean"] == pytest.approx(2.0)
    assert of(rows, "first", 2)[["trials", "nonfinite"]].tolist() == [2, 1]


def test_a_layer_without_a_finite_value_stays_without_one():
    rows = profile(Trial("he", 0, (1.0, 0.5), activations=[(1.0, math.nan)], gradients=[(1.0, 1.0)]))
    assert math.isnan(of(rows, "first", 2)["activation_variance_geomean"])


def test_growth_recovers_the_factor_of_a_geometric_profile_over_hidden_layers():
    activations = [(1.0, 0.5, 0.25, 0.125, 7.0)]  # the output layer follows other rules
    gradients = [(0.027, 0.09, 0.3, 1.0, 7.0)]
    rows = profile(Trial("he", 0, (1.0, 0.5), activations=activations, gradients=gradients))
    assert layers.growth(rows, "activation_variance_geomean") == pytest.approx(0.5)
    backward = layers.growth(rows, "grad_variance_geomean", backward=True)
    assert backward == pytest.approx(0.027 ** (1 / 3))


@pytest.mark.parametrize("variances", [(1.0, 0.0, 1.0), (1.0, math.inf, 1.0), (1.0, 1.0)])
def test_growth_is_undefined_where_an_end_is_zero_or_not_finite_or_there_is_one_hidden_layer(variances):
    rows = profile(Trial("he", 0, (1.0, 0.5), activations=[variances], gradients=[variances]))
    assert math.isnan(layers.growth(rows, "activation_variance_geomean"))


@pytest.mark.parametrize(("depth", "expected"), [(1, (1, 1, 1)), (2, (1, 1, 1)), (3, (1, 1, 2)), (30, (1, 15, 29))])
def test_spots_are_the_first_middle_and_last_hidden_layer(depth, expected):
    ones = [(1.0,) * depth]
    assert layers.spots(profile(Trial("he", 0, (1.0, 0.5), activations=ones, gradients=ones))) == expected


def test_nothing_probed_gives_an_empty_table_with_its_columns():
    rows = profile(Trial("he", 0, status="failed", reason="killed"))
    assert rows.empty
    assert {"init", "probe", "step", "layer", "activation_variance_geomean"} <= set(rows.columns)
