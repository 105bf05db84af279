"""What the runner says while it works, one value after another; the command line turns them into progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Started:
    """The run begins: ``cached`` of ``trials`` are already in the folder, the others ride in ``stacks``."""

    trials: int
    cached: int
    stacks: int
    workers: int


@dataclass(frozen=True)
class Progressed:
    """A stack has come to ``step`` of ``steps``; ``losses`` is the mean training loss of each scheme in it."""

    stack: str
    step: int
    steps: int
    losses: Mapping[str, float]


@dataclass(frozen=True)
class Finished:
    """The records of a stack are on disk; ``trials`` of them are new."""

    stack: str
    trials: int
    diverged: int


@dataclass(frozen=True)
class Failed:
    """A stack ended with an exception; its trials are recorded as failed, and run again next time."""

    stack: str
    trials: int
    reason: str


Event = Started | Progressed | Finished | Failed
