"""What a tracker promises: to write an experiment's results once, however often it is asked to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from initbench.errors import InitbenchError
from initbench.records import Results


class MissingExtraError(InitbenchError):
    """The libraries of a tracker are not installed."""

    def __init__(self, extra: str, package: str) -> None:
        super().__init__(
            f"exporting to {extra} needs the package {package}, which is not installed; "
            f"pip install 'initbench[{extra}]' brings it"
        )


@dataclass(frozen=True)
class Destination:
    """Where to write, as far as the user said: a folder, or for trackers that have servers the address of one."""

    folder: Path | None = None
    uri: str | None = None


@dataclass(frozen=True)
class Written:
    """One part of the results has reached the tracker: the ``done``-th of ``total``.

    ``new`` is false where the tracker held exactly this before.
    """

    done: int
    total: int
    new: bool = True


class Tracker(ABC):
    """One way out. ``part`` names what is written piece by piece, such as ``trial``.

    Writing the same results again leaves a tracker as it was: nothing is doubled.
    """

    part = "trial"

    @abstractmethod
    def __init__(self, results: Results, destination: Destination) -> None:
        """Find the place to write to. Raises InitbenchError where there can be none."""

    @property
    @abstractmethod
    def place(self) -> str:
        """Where the results are written: a folder or an address."""

    @property
    @abstractmethod
    def opening(self) -> str:
        """What to do to see them: a command or a line of code."""

    @abstractmethod
    def write(self) -> Iterator[Written]:
        """Write part after part, saying so after each.

        Raises
        ------
        InitbenchError
            The place cannot be written to.
        """


def folder_alone(destination: Destination, default: Path) -> Path:
    """The folder to write to, for a tracker without servers."""
    if destination.uri is not None:
        raise InitbenchError("--uri names a tracking server, which only mlflow has; name a folder with --out")
    return destination.folder or default
