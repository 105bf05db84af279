"""Data drawn from a seed: class blobs, or random inputs labeled by a random teacher network.

Blobs: class c is a Gaussian cloud around a center drawn from N(0, I/d), so that centers have a length near 1 and lie
about √2 apart in any dimension d; ``noise`` is the standard deviation of the cloud in each direction. Two clouds are
then told apart at best with error 1 - Φ(1 / (√2 · noise)). For images the centers are made of patches, up to 4 by 4 of
them in each channel, so that convolutions have something to find.

Teacher: inputs are N(0, I) and the label is the largest output of a random tanh network with one hidden layer, each
output scaled to variance 1; ``noise`` is the standard deviation of what is added to the outputs before the largest is
taken.

The teacher-student setting: Gardner and Derrida, "Three unfinished works on the optimal storage capacity of networks",
1989.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator
from torch import Tensor
from torch.nn import functional

from initbench.datasets import _base
from initbench.datasets._base import Data, Spec, Split
from initbench.seeding import generator

DEFAULT_FEATURES = 32
DEFAULT_NOISE = {"blobs": 0.3, "teacher": 0.0}
PATCHES = 4
TEACHER_WIDTH = 64
TEACHER_GAIN = 2.0  # drives the tanh well into its bend, so that no linear model will do
TEACHER_SCALE_SAMPLES = 2048  # inputs of their own to scale the teacher's outputs with, so that no split decides them
RECIPE = 1  # part of the fingerprint: raise it when the same options come to give other samples


class Synthetic(_base.Dataset):
    """A classification problem of any size and difficulty, with nothing to download."""

    kind: Literal["blobs", "teacher"] = Field(
        default="blobs", description="Gaussian classes, or a random teacher network"
    )
    features: PositiveInt | None = Field(
        default=None, description=f"length of the input vectors ({DEFAULT_FEATURES} unless shape is given)"
    )
    shape: tuple[PositiveInt, PositiveInt, PositiveInt] | None = Field(
        default=None, description="channels, height and width of image inputs, instead of features"
    )
    classes: Annotated[int, Field(ge=2)] = Field(default=10, description="number of classes")
    samples: PositiveInt = Field(default=4000, description="training samples")
    test_samples: PositiveInt = Field(default=1000, description="test samples")
    noise: NonNegativeFloat | None = Field(
        default=None,
        allow_inf_nan=False,
        description="deviation of the blobs, whose centers have length 1, or of noise on the teacher's outputs, whose "
        f"own is 1 (by default {DEFAULT_NOISE['blobs']} for blobs and {DEFAULT_NOISE['teacher']:g} for a teacher)",
    )
    seed: int = Field(default=0, description="seed of the data alone, apart from the seeds of the trials")

    @model_validator(mode="before")
    @classmethod
    def _one_way_to_say_it(cls, options: dict[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in options.items() if value is not None}
        if "features" in given and "shape" in given:
            raise ValueError("give either features or shape, not both")
        if "features" not in given and "shape" not in given:
            given["features"] = DEFAULT_FEATURES
        return given

    @property
    def input_shape(self) -> tuple[int, ...]:
        """(features,), or (channels, height, width)."""
        return self.shape or (self.features or DEFAULT_FEATURES,)

    @property
    def deviation(self) -> float:
        """The noise, with its default filled in."""
        return DEFAULT_NOISE[self.kind] if self.noise is None else self.noise

    def spec(self, data_dir: Path) -> Spec:
        """Read off the options. The target is a quarter of the loss of guessing, ln(classes)."""
        return Spec(self.input_shape, self.classes, "classification", self.samples, 0.25 * math.log(self.classes))

    def fingerprint(self, data_dir: Path) -> str:
        """A hash of the options, which decide the samples."""
        options = {**self.dump(), "noise": self.deviation, "recipe": RECIPE}
        return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()

    def load(self, data_dir: Path) -> Data:
        """Draw the samples; the test split and the classes do not depend on the number of training samples."""
        draw = self._blobs if self.kind == "blobs" else self._taught
        return Data(train=draw(self.samples, "train"), test=draw(self.test_samples, "test"))

    def _normal(self, name: str, *shape: int) -> Tensor:
        return torch.randn(shape, generator=generator(self.seed, "synthetic", name), dtype=torch.float64)

    def _centers(self) -> Tensor:
        """[classes, *input shape]."""
        if self.shape is None:
            centers = self._normal("centers", self.classes, *self.input_shape)
        else:
            channels, height, width = self.shape
            patches = self._normal("centers", self.classes, channels, min(height, PATCHES), min(width, PATCHES))
            centers = functional.interpolate(patches, size=(height, width), mode="nearest")
        return centers / math.sqrt(math.prod(self.input_shape))

    def _blobs(self, count: int, split: str) -> Split:
        order = torch.randperm(count, generator=generator(self.seed, "synthetic", f"{split} order"))
        labels = order % self.classes  # classes of equal size, to within one sample
        clouds = self._normal(split, count, *self.input_shape)
        return Split(x=(self._centers()[labels] + self.deviation * clouds).float(), y=labels)

    def _taught(self, count: int, split: str) -> Split:
        x = self._normal(split, count, math.prod(self.input_shape))
        outputs = self._teacher(x) + self.deviation * self._normal(f"{split} noise", count, self.classes)
        return Split(x=x.float().reshape(count, *self.input_shape), y=outputs.argmax(1))

    def _teacher(self, x: Tensor) -> Tensor:
        """[N, features] to [N, classes]."""
        size = x.shape[1]
        first = self._normal("teacher 1", size, TEACHER_WIDTH) * (TEACHER_GAIN / math.sqrt(size))
        second = self._normal("teacher 2", TEACHER_WIDTH, self.classes)
        reference = torch.tanh(self._normal("teacher scale", TEACHER_SCALE_SAMPLES, size) @ first) @ second
        return (torch.tanh(x @ first) @ second - reference.mean(0)) / reference.std(0)
