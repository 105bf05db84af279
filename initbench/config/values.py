"""What a config says, once it is checked: the recipe, the observation, the target and the experiment.

The fields are the keys of a config. A field's type, bounds, default and description are written here and nowhere else:
validation, messages, the JSON Schema and the reference follow from them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from initbench import naming
from initbench.activations import Activation
from initbench.config.writing import yaml_text
from initbench.datasets import Dataset
from initbench.expectation import Expectation
from initbench.inits import Init
from initbench.networks import Network
from initbench.optimizers import Optimizer
from initbench.schedules import Schedule

Metric = Literal["train_loss", "test_loss", "test_accuracy"]
Dtype = Literal["float32", "float64"]
Device = Literal["auto", "cpu", "cuda", "mps"]

Seed = Annotated[int, Field(ge=0, lt=2**63)]
SeedCount = Annotated[int, Field(ge=1)]
Seeds = SeedCount | Annotated[tuple[Seed, ...], Field(min_length=1)]
ProbeStep = Annotated[int, Field(ge=0)] | Literal["last"]
Probe = Literal["powers", "none"] | Annotated[tuple[ProbeStep, ...], Field(min_length=1)]


def _safe_folder_name(name: str) -> str:
    wrong = naming.fault(name)
    if wrong:
        raise ValueError(wrong)
    return name


FolderName = Annotated[str, AfterValidator(_safe_folder_name), Field(json_schema_extra={"pattern": naming.PATTERN})]


class Value(BaseModel):
    """A frozen value with strict types: ``true`` is not 1, and "30" is not 30."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Target(Value):
    """What counts as trained: a training or test loss at most this value, or a test accuracy at least this value."""

    metric: Metric = Field(description="train_loss (mean over the last log_every batches), test_loss or test_accuracy")
    value: float = Field(gt=0, description="the level to reach; an accuracy is a fraction between 0 and 1")


class CrossedSeeds(Value):
    """Every weight seed with every data seed: tells the luck of the weights from the luck of the batches."""

    init: Seeds = Field(description="seeds of the weights: a count or a list")
    data: Seeds = Field(description="seeds of the order of the batches: a count or a list")


class Repetition(Value):
    """How often each point of the sweep is trained, as a config says it."""

    seeds: Seeds | CrossedSeeds = Field(
        default=5, description="seeds of the weights: a count, a list, or crossed with data seeds: {init: 5, data: 3}"
    )
    data_seed: Seed | None = Field(
        default=None, description="seed of the order of the batches; null: the same as that of the weights"
    )


class Recipe(Value):
    """How a network is trained."""

    optimizer: Optimizer
    schedule: Schedule
    batch_size: int = Field(default=128, ge=1, description="samples in a batch")
    epochs: int | None = Field(default=None, ge=1, description="passes over the training set (5 unless steps is given)")
    steps: int | None = Field(default=None, ge=1, description="updates in all, instead of epochs")
    weight_decay: float = Field(default=0.0, ge=0, description="weight decay, in the way of the optimizer")
    grad_clip: float | None = Field(default=None, gt=0, description="largest norm of the whole gradient of one trial")
    dtype: Dtype = Field(default="float32", description="precision of weights and arithmetic")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        return self

    def total_steps(self, per_epoch: int) -> int:
        """The number of updates in all, where an epoch has ``per_epoch`` of them."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None  # noqa: S101 - one of the two is given
        return self.epochs * per_epoch

    @property
    def torch_dtype(self) -> torch.dtype:
        """The precision as torch names it."""
        return {"float32": torch.float32, "float64": torch.float64}[self.dtype]


SCALARS = tuple(name for name in Recipe.model_fields if name not in ("optimizer", "schedule"))
"""The fields of a recipe that are no components."""


class Observation(Value):
    """When a trial is looked at. Looking never changes what is trained."""

    eval_every: int | None = Field(
        default=None, ge=1, description="updates between evaluations on the test set; null: at the end of every epoch"
    )
    log_every: int = Field(default=10, ge=1, description="updates that a value of train_loss averages over")
    probe: Probe = Field(
        default="powers",
        description="updates at which layers are measured: powers (0, 1, 2, 4, … and the last), none, or a list of "
        "update numbers and 'last'",
    )

    def probe_steps(self, steps: int) -> tuple[int, ...]:
        """The numbers of updates done, from 0 to ``steps``, at which layers are measured, sorted."""
        if self.probe == "none":
            return ()
        if self.probe == "powers":
            return tuple(sorted({0, *(2**power for power in range(steps.bit_length())), steps}))
        return tuple(sorted({step for step in self._listed(steps) if step <= steps}))

    def _listed(self, steps: int) -> Iterator[int]:
        for step in self.probe:
            yield steps if isinstance(step, str) else step


class Experiment(Value):
    """A validated config. Fields that can be swept are tuples, one value for each point of their axis."""

    components: ClassVar[tuple[str, ...]] = ("dataset", "network", "activation", "init", "optimizer", "schedule")

    name: FolderName = Field(description="name of the folder under results/; the file's name unless given")
    dataset: tuple[Dataset, ...] = Field(description="where the samples come from")
    network: tuple[Network, ...] = Field(description="the architecture")
    activation: tuple[Activation, ...] = Field(description="the function between the layers")
    init: tuple[Init, ...] = Field(description="the weight initialization schemes to compare")
    optimizer: tuple[Optimizer, ...] = Field(description="the update rule")
    schedule: tuple[Schedule, ...] = Field(description="the learning rate over time")
    batch_size: tuple[int, ...]
    epochs: tuple[int, ...] | None
    steps: tuple[int, ...] | None
    weight_decay: tuple[float, ...]
    grad_clip: tuple[float | None, ...]
    dtype: tuple[Dtype, ...]
    device: Device = Field(default="auto", description="where to train; auto takes a GPU where there is one")
    seeds: tuple[int, ...]
    data_seed: tuple[int, ...] | None
    searches_rate: bool = Field(default=False, description="lr: auto, the rates of ``optimizer`` are the first grid")
    observation: Observation = Observation()
    target: Target = Field(description="what counts as trained; the default suits the dataset")
    expect: tuple[tuple[str, Expectation], ...] = Field(
        default=(), description="what check expects of schemes without a baseline, by scheme"
    )

    @property
    def repetitions(self) -> int:
        """How often each point of the sweep is trained: the number of pairs of a seed and a data seed."""
        return len(self.seeds) * (1 if self.data_seed is None else len(self.data_seed))

    def seed_pair(self, repetition: int) -> tuple[int, int]:
        """(seed, data seed) of a repetition, by its number from 0."""
        if self.data_seed is None:
            return self.seeds[repetition], self.seeds[repetition]
        weights, data = divmod(repetition, len(self.data_seed))
        return self.seeds[weights], self.data_seed[data]

    def to_yaml(self) -> str:
        """The resolved config, every default spelled out: ``load_text(experiment.to_yaml()) == experiment``."""
        values: dict[str, object] = {"name": self.name}
        values |= {kind: _axis([component.dump() for component in getattr(self, kind)]) for kind in self.components}
        if self.searches_rate:
            values["optimizer"] = {**self.optimizer[0].dump(), "lr": "auto"}
        values |= {name: _axis(list(axis)) for name in SCALARS if (axis := getattr(self, name)) is not None}
        values |= {"device": self.device, **self._seeds_as_written()}
        values |= self.observation.model_dump(mode="json")
        values |= {"target": self.target.model_dump(mode="json")}
        if self.expect:
            values["expect"] = {
                label: wanted.model_dump(mode="json", exclude_none=True) for label, wanted in self.expect
            }
        return yaml_text(values)

    def _seeds_as_written(self) -> dict[str, object]:
        if self.data_seed is None or len(self.data_seed) == 1:
            return {"seeds": _count(self.seeds), "data_seed": self.data_seed[0] if self.data_seed else None}
        return {"seeds": {"init": _count(self.seeds), "data": _count(self.data_seed)}}


def _axis(values: list[object]) -> object:
    return values[0] if len(values) == 1 else values


def _count(seeds: tuple[int, ...]) -> int | list[int]:
    """Seeds as a count where they are the first numbers from 0."""
    return len(seeds) if seeds == tuple(range(len(seeds))) else list(seeds)
