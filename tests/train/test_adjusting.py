"""Schemes that keep a hand on the weights during the first updates."""

import numpy as np
import pandas as pd
import pytest
from example_trials import prepared, trained

from initbench.inits import INITS

DEEP = """
dataset: {name: synthetic, features: 32, classes: 3, samples: 600, test_samples: 40}
network: {name: mlp, depth: 16, width: 64}
optimizer: {name: sgd, lr: 1.0e-12}
batch_size: 10
seeds: 1
probe: [0, last]
"""


def hidden(layers: pd.DataFrame, column: str, step: int) -> np.ndarray:
    """A column of the hidden layers after ``step`` updates."""
    rows = layers[(layers["step"] == step) & (layers["name"] != "output")]
    return rows.sort_values("layer")[column].to_numpy()


@pytest.mark.parametrize(("activation", "updates"), [("relu", 1), ("tanh", 30), ("elu", 12)])
def test_dynamic_brings_every_hidden_layer_to_its_variance(activation: str, updates: int) -> None:
    """One re-scaling is exact for ReLU; saturating activations need a few, and a target within their reach."""
    init = f"dynamic[updates={updates},target=0.4,tolerance=0.05]"
    layers = trained(*prepared(DEEP, init=init, activation=activation, steps=updates + 1)).layers
    before, after = (hidden(layers, "activation_variance", step) for step in (0, updates + 1))
    assert np.abs(before / 0.4 - 1).max() > 0.5
    assert np.abs(after / 0.4 - 1).max() <= 0.05 + 1e-4  # rounding of float32 in 16 layers


def test_dynamic_brings_gradients_to_the_variance_of_the_last_hidden_layer() -> None:
    """The gradient factors of ReLU do not depend on scale, so one re-scaling is exact but for the softmax on top."""
    init = "dynamic[updates=6,signal=gradient,tolerance=0.05]"
    layers = trained(*prepared(DEEP, init=init, steps=7)).layers
    before, after = (hidden(layers, "grad_variance", step) for step in (0, 7))
    assert before[0] / before[-1] > 100
    assert np.abs(after / after[-1] - 1).max() <= 0.06


def test_the_static_form_leaves_the_weights_alone() -> None:
    layers = trained(*prepared(DEEP, init="dynamic", steps=3)).layers
    stds = [layers[layers["step"] == step]["weight_std"].to_numpy() for step in (0, 3)]
    np.testing.assert_allclose(*stds, rtol=1e-6)


def test_a_hand_on_one_scheme_leaves_its_neighbors_alone() -> None:
    """The same stack with and without re-scaling: the other replica's rows are the same bit for bit."""
    held = trained(*prepared(DEEP, init="he,dynamic[updates=3]", steps=20))
    free = trained(*prepared(DEEP, init="he,dynamic", steps=20))
    he = held.outcomes.loc[held.outcomes["init"] == "he", "id"]
    assert len(he) == 1
    pd.testing.assert_frame_equal(held.of(list(he)).curves, free.of(list(he)).curves, check_exact=True)


def test_silent_and_exploded_layers_are_left_to_themselves() -> None:
    variances = np.array([1.0, 0.0, np.inf, np.nan, 4.0, 1.0])
    factors = INITS["dynamic"](updates=1).factors({"activation_variance": variances})
    np.testing.assert_allclose(factors, [1, 1, 1, 1, 0.5, 1])


def test_rescaling_comes_before_every_nth_of_the_first_updates() -> None:
    init = INITS["dynamic"](updates=5, every=2)
    assert [step for step in range(12) if init.adjusts_at(step)] == [0, 2, 4]
