"""Train the trials of a config in one process: what tests of networks look at."""

from pathlib import Path

import torch

from initbench.config import load_text
from initbench.datasets import probe_batch, standardised
from initbench.plan import Trial, plan
from initbench.records import Records
from initbench.train.loop import train
from initbench.train.material import Material

DATASET = "dataset: {name: synthetic, features: 6, classes: 3, samples: 64, test_samples: 16, noise: 0.5}\n"
CONFIG = """
name: test
batch_size: 8
log_every: 1
steps: 6
"""


def trials(folder: Path, text: str) -> tuple[Trial, ...]:
    """The trials of a small experiment, with these lines of YAML beside its own."""
    experiment = load_text(CONFIG + ("" if "dataset:" in text else DATASET) + text, "test.yaml", (), folder)
    return plan(experiment, folder).trials[:]


def trained(stack: tuple[Trial, ...], folder: Path) -> Records:
    """The records of these trials, trained as one stack."""
    dataset = stack[0].dataset
    data = standardised(dataset.load(folder))
    material = Material(dataset.spec(folder), data.train, data.test, probe_batch(data.train, 32))
    return train(stack, material, torch.device("cpu"), lambda *_: None)
