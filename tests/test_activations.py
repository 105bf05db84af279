import math
from typing import get_args

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from initbench.activations import ACTIVATIONS, Activation
from initbench.config.grammar import inline_components
from initbench.sites import activation_of


def with_every_literal(cls: type[Activation]) -> list[Activation]:
    choices = [(key, value) for key, field in cls.model_fields.items() for value in get_args(field.annotation)]
    return list(dict.fromkeys([cls(), *(cls(**{key: value}) for key, value in choices if isinstance(value, str))]))


EVERY_ACTIVATION = [activation for cls in ACTIVATIONS.values() for activation in with_every_literal(cls)]
OFF_DEFAULT = [
    ACTIVATIONS["leaky_relu"](slope=0.2),
    ACTIVATIONS["prelu"](slope=0.1),
    ACTIVATIONS["elu"](alpha=0.5),
]
every_activation = pytest.mark.parametrize("activation", EVERY_ACTIVATION + OFF_DEFAULT, ids=lambda a: a.label)

# 1/sqrt(E[phi(z)^2]) and 1/sqrt(E[phi'(z)^2]), computed by split quadrature outside this project
FORWARD_GAINS = {
    "linear": 1.0,
    "relu": 1.414214,
    "tanh": 1.592537,
    "sigmoid": 1.846229,
    "elu": 1.245198,
    "selu": 1.000000,
    "gelu": 1.533530,
    "silu": 1.676532,
    "softplus": 1.041867,
    "softsign": 2.337533,
}
GRADIENT_GAINS = {"tanh": 1.467414, "relu": 1.414214, "gelu": 1.4811, "silu": 1.6233, "selu": 0.9660}

# the functions as their papers write them
FORMULAS = {
    "linear": lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "prelu": lambda x: x if x > 0 else 0.25 * x,
    "elu": lambda x: x if x > 0 else math.expm1(x),
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * math.expm1(x)),
    "gelu": lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "softplus": lambda x: math.log1p(math.exp(x)),
    "softsign": lambda x: x / (1 + abs(x)),
}


def away_from_kinks() -> np.ndarray:
    return np.linspace(-6, 6, 240)  # steps of 0.05 that pass zero at a distance of 0.025


def test_the_catalog_holds_the_activations_of_the_literature() -> None:
    assert set(ACTIVATIONS) == set(FORMULAS)


@pytest.mark.parametrize(("alias", "name"), [("swish", "silu"), ("identity", "linear"), ("logistic", "sigmoid")])
def test_an_alias_resolves_to_its_activation(alias: str, name: str) -> None:
    assert ACTIVATIONS.resolve(alias)[0] is ACTIVATIONS[name]


@pytest.mark.parametrize("name", FORMULAS)
def test_an_activation_is_the_function_of_its_paper(name: str) -> None:
    x = away_from_kinks()
    expected = [FORMULAS[name](float(value)) for value in x]
    np.testing.assert_allclose(ACTIVATIONS[name]().values(x), expected, rtol=1e-12, atol=1e-14)


def test_the_tanh_form_of_gelu_is_the_approximation_of_the_paper() -> None:
    x = away_from_kinks()
    expected = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    np.testing.assert_allclose(ACTIVATIONS["gelu"](approximate="tanh").values(x), expected, rtol=1e-10, atol=1e-14)


@every_activation
def test_an_activation_acts_on_each_element_by_itself(activation: Activation) -> None:
    x = torch.from_numpy(away_from_kinks()).reshape(2, 3, 40)
    alone = torch.stack([activation(value) for value in x.flatten()])
    torch.testing.assert_close(activation(x).flatten(), alone, rtol=1e-14, atol=1e-15)  # vector kernels round anew


@every_activation
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_an_activation_keeps_dtype_and_shape(activation: Activation, dtype: torch.dtype) -> None:
    out = activation(torch.ones(2, 3, dtype=dtype))
    assert (out.dtype, out.shape) == (dtype, (2, 3))


@every_activation
def test_an_activation_leaves_its_input_as_it_was(activation: Activation) -> None:
    x = torch.linspace(-2, 2, 11)
    before = x.clone()
    activation(x)
    assert torch.equal(x, before)


@every_activation
def test_the_slopes_are_the_derivative(activation: Activation) -> None:
    x, h = away_from_kinks(), 1e-5
    differences = (activation.values(x + h) - activation.values(x - h)) / (2 * h)
    # central differences are off by h^2/6 of the third derivative (below 10 here) and by rounding over h
    np.testing.assert_allclose(activation.slopes(x), differences, rtol=0, atol=1e-9)


@every_activation
def test_the_layer_applies_the_function(activation: Activation) -> None:
    x = torch.linspace(-3, 3, 50)
    torch.testing.assert_close(activation.layer()(x), activation(x))


@every_activation
def test_the_layer_leads_back_to_its_activation(activation: Activation) -> None:
    found = activation_of(activation.layer())
    assert type(found) is type(activation)
    assert found.options() == pytest.approx(activation.options())  # the slope of a PReLU layer is float32


@every_activation
def test_the_label_parses_back(activation: Activation) -> None:
    (parsed,) = inline_components(activation.label)
    cls, preset = ACTIVATIONS.resolve(str(parsed.pop("name")))
    assert cls(**(preset | parsed)) == activation


@every_activation
def test_the_summary_is_one_sentence_and_the_docstring_cites(activation: Activation) -> None:
    assert activation.summary().endswith(".")
    assert len(activation.summary()) < 120


@every_activation
def test_values_and_slopes_take_arrays_that_are_strided_or_read_only(activation: Activation) -> None:
    x = away_from_kinks()
    x.setflags(write=False)
    np.testing.assert_array_equal(activation.values(x[::-1]), activation.values(x)[::-1])
    with torch.no_grad():
        np.testing.assert_array_equal(activation.slopes(x[::-1]), activation.slopes(x)[::-1])


def test_prelu_trains_its_slope() -> None:
    layer = ACTIVATIONS["prelu"](slope=0.1).layer()
    assert isinstance(layer, nn.PReLU)
    layer(torch.tensor([-2.0])).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.item() == -2.0


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("leaky_relu", {"slope": -0.1}),
        ("leaky_relu", {"slope": "0.1"}),
        ("prelu", {"slope": math.nan}),
        ("elu", {"alpha": 0.0}),
        ("gelu", {"approximate": "erf"}),
        ("relu", {"slope": 0.1}),
    ],
)
def test_an_option_out_of_bounds_is_refused(name: str, options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ACTIVATIONS[name](**options)


@pytest.mark.parametrize(("name", "gain"), FORWARD_GAINS.items())
def test_the_forward_gain_is_the_known_one(name: str, gain: float) -> None:
    assert ACTIVATIONS[name]().gain == pytest.approx(gain, abs=1e-6)


@pytest.mark.parametrize(("name", "gain"), GRADIENT_GAINS.items())
def test_the_gradient_gain_is_the_known_one(name: str, gain: float) -> None:
    digits = 1e-6 if len(str(gain)) > 6 else 5e-5  # some are published to four decimals
    assert ACTIVATIONS[name]().gradient_gain == pytest.approx(gain, abs=digits)


def test_the_rectifier_gains_follow_from_the_slope() -> None:
    for slope in (0.01, 0.2, 1.0):
        expected = math.sqrt(2 / (1 + slope**2))
        assert ACTIVATIONS["leaky_relu"](slope=slope).gain == pytest.approx(expected, rel=1e-10)
        assert ACTIVATIONS["prelu"](slope=slope).gradient_gain == pytest.approx(expected, rel=1e-10)


def test_the_std_gain_of_relu_minds_its_mean() -> None:
    # Var[relu(z)] = 1/2 - 1/(2 pi)
    assert ACTIVATIONS["relu"]().std_gain == pytest.approx(1 / math.sqrt(0.5 - 0.5 / math.pi), rel=1e-10)


def test_the_constants_of_selu_are_the_closed_form() -> None:
    e1, e2, root_e = math.erfc(1 / math.sqrt(2)), math.erfc(math.sqrt(2)), math.exp(0.5)
    alpha = math.sqrt(2 / math.pi) / (1 - e1 * root_e)
    spread = 2 * e2 * math.e**2 + math.pi * math.e * e1**2 - 2 * (2 + math.pi) * root_e * e1 + math.pi + 2
    scale = (1 - e1 * root_e) * math.sqrt(2 * math.pi) / math.sqrt(spread)
    selu = ACTIVATIONS["selu"]()
    assert selu.alpha == pytest.approx(alpha, rel=1e-15)
    assert selu.scale == pytest.approx(scale, rel=1e-15)
    np.testing.assert_allclose(selu.values(np.array([1.0, -40.0])), [scale, -scale * alpha], rtol=1e-15)


@pytest.mark.parametrize(
    ("activation", "interval"),
    [
        (ACTIVATIONS["linear"](), (-math.inf, math.inf)),
        (ACTIVATIONS["relu"](), (0.0, math.inf)),
        (ACTIVATIONS["leaky_relu"](slope=0.2), (-math.inf, math.inf)),
        # tanh' = 1 - tanh^2 = 0.05
        (ACTIVATIONS["tanh"](), (-math.atanh(math.sqrt(0.95)), math.atanh(math.sqrt(0.95)))),
        # elu' = exp(x) = 0.05 below zero
        (ACTIVATIONS["elu"](), (math.log(0.05), math.inf)),
        # softplus' = sigmoid = 0.05
        (ACTIVATIONS["softplus"](), (-math.log(19), math.inf)),
        # softsign' = 1/(1+|x|)^2 = 0.05
        (ACTIVATIONS["softsign"](), (1 - math.sqrt(20), math.sqrt(20) - 1)),
    ],
    ids=lambda value: getattr(value, "label", ""),
)
def test_a_unit_is_saturated_where_the_slope_is_below_a_twentieth_of_the_steepest(
    activation: Activation, interval: tuple[float, float]
) -> None:
    assert activation.active_interval == pytest.approx(interval, abs=1e-8)
