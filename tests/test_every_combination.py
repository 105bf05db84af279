"""Every scheme in every network with every activation: it trains a step, or is refused when the config is loaded."""

from pathlib import Path

import numpy as np
import pytest
import torch

from initbench.activations import ACTIVATIONS
from initbench.config import ConfigError, Experiment, load_text
from initbench.execute import material_of
from initbench.inits import INITS, Init
from initbench.networks import NETWORKS
from initbench.plan import plan
from initbench.train.loop import train

DATA = "{name: synthetic, shape: [1, 8, 8], classes: 3, samples: 24, test_samples: 12}"
SMALL = {
    "mlp": "{name: mlp, depth: 3, width: 8}",
    "cnn": "{name: cnn, depth: 3, channels: 4}",
    "resnet": "{name: resnet, channels: 4, multipliers: true}",
    "rnn": "{name: rnn, width: 6}",
}


def labels() -> list[str]:
    """Every scheme of the catalog in its inline form; required options take the example of their field."""
    return [_example(cls).label for cls in INITS.values()]


def _example(cls: type[Init]) -> Init:
    required = {name: field.examples[0] for name, field in cls.model_fields.items() if field.is_required()}
    return cls(**required)


def loaded(init: str, network: str, activation: str) -> Experiment:
    text = f"{{init: [{init}], network: {network}, activation: {activation}, dataset: {DATA}, seeds: 1}}"
    return load_text(text, "every.yaml", ["batch_size=8", "steps=1"])


@pytest.mark.slow
@pytest.mark.parametrize("activation", list(ACTIVATIONS))
@pytest.mark.parametrize("network", list(NETWORKS))
def test_every_scheme_trains_a_step_or_is_refused_at_load(network: str, activation: str) -> None:
    fitting, refused = [], []
    for label in labels():
        try:
            loaded(f"'{label}'", SMALL[network], activation)
            fitting.append(f"'{label}'")
        except ConfigError as error:
            refused.append((label, str(error)))
    assert all("every.yaml:1: " in reason and label in reason for label, reason in refused)
    assert len(fitting) > len(INITS) / 2
    experiment = loaded(", ".join(fitting), SMALL[network], activation)
    trials = tuple(plan(experiment, Path()).trials)
    records = train(trials, material_of(trials[0].dataset, Path()), torch.device("cpu"), lambda *_: None)
    failed = records.outcomes[records.outcomes["status"] == "failed"]
    assert dict(zip(failed["init"], failed["reason"], strict=True)) == {}
    assert len(records.outcomes) == len(fitting)
    assert np.isfinite(records.outcomes["final_train_loss"]).all()
