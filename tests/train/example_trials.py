"""Small experiments, ready to be trained: from the text of a config to trials and their data."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from initbench.config import load_text
from initbench.datasets import probe_batch, standardised
from initbench.execute import PROBE_SAMPLES
from initbench.plan import Trial, plan
from initbench.records import Records
from initbench.train.loop import train
from initbench.train.material import Material

SMALL = """
dataset: {name: synthetic, features: 8, classes: 3, samples: 60, test_samples: 40}
network: {name: mlp, depth: 3, width: 12}
init: he
batch_size: 10
seeds: 1
"""


def prepared(text: str = SMALL, **keys: Any) -> tuple[tuple[Trial, ...], Material]:
    """The trials of a config, with keys set over those of its text, and what they train on."""
    overrides = [f"{key.replace('__', '.')}={value}" for key, value in keys.items()]
    experiment = load_text(text, "small.yaml", overrides)
    trials = tuple(plan(experiment, Path()).trials)
    dataset = trials[0].dataset
    data = standardised(dataset.load(Path()))
    probe = probe_batch(data.train, PROBE_SAMPLES)
    return trials, Material(spec=dataset.spec(Path()), train=data.train, test=data.test, probe=probe)


def trained(trials: tuple[Trial, ...], material: Material) -> Records:
    """The records of the trials as one stack, on the CPU."""
    return train(trials, material, torch.device("cpu"), lambda *_: None)


def curves_of(trials: tuple[Trial, ...], records: Records) -> list[pd.DataFrame]:
    """The curve of each trial, by step."""
    return [
        records.curves[records.curves["id"] == trial.id].drop(columns="id").reset_index(drop=True) for trial in trials
    ]
