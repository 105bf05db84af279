"""Sequences that ask for memory: add two marked numbers, or name the first of many symbols.

Adding: each step shows a number from U(0, 1) and a mark, which is 1 at one step of the first half and at one of the
second, else 0. The target is the sum of the two marked numbers; its mean alone has a squared error of 1/6, which
standardization makes 1. Recall: each step shows one of ``symbols`` symbols as a one-hot vector, drawn at random, and
the class is the symbol of the first step: the copying task with one symbol to keep, distractors in place of blanks.

Samples have the shape [1, steps, inputs], an image of one channel whose rows are the steps.

Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997, sections 5.4 and 5.2; for the form of the adding problem Le,
Jaitly and Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units", 2015, section 4.1.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor
from torch.nn import functional

from initbench.datasets import _base
from initbench.datasets._base import Data, Spec, Split
from initbench.seeding import generator

RECIPE = 1  # part of the fingerprint: raise it when the same options come to give other samples


class Sequences(_base.Dataset):
    """The adding problem, or recall of the first symbol."""

    kind: Literal["adding", "recall"] = Field(default="adding", description="what is asked of the sequence")
    steps: int = Field(default=50, ge=2, description="length of the sequences")
    symbols: int = Field(default=8, ge=2, description="number of symbols of the recall task")
    samples: PositiveInt = Field(default=4000, description="training samples")
    test_samples: PositiveInt = Field(default=1000, description="test samples")
    seed: int = Field(default=0, description="seed of the data alone, apart from the seeds of the trials")

    def spec(self, data_dir: Path) -> Spec:
        """Read off the options. The target is a quarter of the loss of guessing: 1, or ln(symbols)."""
        if self.kind == "adding":
            return Spec((1, self.steps, 2), 1, "regression", self.samples, 0.25)
        loss = 0.25 * math.log(self.symbols)
        return Spec((1, self.steps, self.symbols), self.symbols, "classification", self.samples, loss)

    def fingerprint(self, data_dir: Path) -> str:
        """A hash of the options, which decide the samples."""
        options = {**self.dump(), "recipe": RECIPE}
        return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()

    def load(self, data_dir: Path) -> Data:
        """Draw the samples; the test split does not depend on the number of training samples."""
        draw = self._adding if self.kind == "adding" else self._recall
        return Data(train=draw(self.samples, "train"), test=draw(self.test_samples, "test"))

    def _adding(self, count: int, split: str) -> Split:
        rng = generator(self.seed, "sequences", split)
        numbers = torch.rand(count, self.steps, generator=rng)
        half = self.steps // 2
        first = torch.randint(half, (count,), generator=rng)
        second = torch.randint(half, self.steps, (count,), generator=rng)
        marks = functional.one_hot(first, self.steps) + functional.one_hot(second, self.steps)
        total = (numbers * marks).sum(dim=1, keepdim=True)
        return Split(x=_as_images(torch.stack([numbers, marks.float()], dim=2)), y=total)

    def _recall(self, count: int, split: str) -> Split:
        rng = generator(self.seed, "sequences", split)
        shown = torch.randint(self.symbols, (count, self.steps), generator=rng)
        return Split(x=_as_images(functional.one_hot(shown, self.symbols).float()), y=shown[:, 0].clone())


def _as_images(sequences: Tensor) -> Tensor:
    return sequences.unsqueeze(1).contiguous()
