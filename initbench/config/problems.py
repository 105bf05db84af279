"""What is wrong with a config, told all at once: one line for each problem, with its place and key path."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from initbench.errors import InitbenchError
from initbench.printable import one_line

Key = tuple[str | int, ...]
"""The path to a value in a config: ``("init", 2, "std")`` is written ``init[2].std``."""

LONGEST_SHOWN = 60
LONGEST_PLACE = 200
MOST_PROBLEMS = 20


@dataclass(frozen=True, order=True)
class Place:
    """Where a value was given: a line of a file, or an override (line 0), which is named by its text."""

    line: int
    origin: str

    def __str__(self) -> str:
        origin = _cut(self.origin, LONGEST_PLACE)
        return f"{origin}:{self.line}" if self.line else origin


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong."""

    place: Place
    key: str
    text: str

    def __str__(self) -> str:
        return one_line(": ".join(part for part in (str(self.place), self.key, self.text) if part))


class ConfigError(InitbenchError):
    """A config that cannot be used. ``str(error)`` holds every problem, one on a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class Problems:
    """The problems found so far in one config, and the places that its keys were given at.

    Nobody reads thousands of lines, and looking for the nearest name of each takes its time: at the ``most``-th problem
    the search ends.
    """

    def __init__(self, origin: str, places: Mapping[Key, Place], most: float = MOST_PROBLEMS) -> None:
        self._origin = origin
        self._places = places
        self._most = most
        self._found: dict[Problem, None] = {}

    @classmethod
    def unheard(cls) -> Problems:
        """A place for problems that are told elsewhere."""
        return cls("", {}, most=math.inf)

    def __len__(self) -> int:
        return len(self._found)

    def place(self, key: Key) -> Place:
        """Where a key was given; a key inside an inline component lies where the component does."""
        while key not in self._places and key:
            key = key[:-1]
        return self._places.get(key, Place(0, self._origin))

    def add(self, key: Key, text: str) -> None:
        """Note a problem; the same one twice counts once. Raises ConfigError where there are too many already."""
        self._found[Problem(self.place(key), dotted(key), text)] = None
        if len(self._found) >= self._most:
            end = Problem(Place(0, self._origin), "", f"{len(self._found)} problems found, and the search ended there")
            raise ConfigError([*sorted(self._found), end])

    def unexpected(self, key: Key, value: object, expected: str, hint: str = "") -> None:
        """Note that a value is not what was expected; ``hint`` offers the nearest name."""
        self.add(key, f"found {shown(value)}, expected {expected}" + (f"; {hint}" if hint else ""))

    def stop_if_any(self) -> None:
        """Raise everything found so far, in the order of the file."""
        if self._found:
            raise ConfigError(sorted(self._found))


def fail(place: Place, text: str, key: str = "") -> ConfigError:
    """The error of a config with a single problem."""
    return ConfigError([Problem(place, key, text)])


def dotted(key: Key) -> str:
    """A key path as text: ``init[2].std``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_cut(part, LONGEST_SHOWN)}" for part in key)
    return text.removeprefix(".")


def shown(value: object) -> str:
    """A value as a reader would write it, cut to one short line."""
    if isinstance(value, str):
        text = repr(value[: LONGEST_SHOWN + 1])
    elif isinstance(value, Mapping):
        text = "a mapping"
    elif isinstance(value, Sequence):
        text = f"[{', '.join(map(shown, value[:LONGEST_SHOWN]))}]" if value else "an empty list"
    elif isinstance(value, float) and not math.isfinite(value):
        text = ".nan" if math.isnan(value) else str(value).replace("inf", ".inf")
    else:
        text = json.dumps(value, default=str)
    return _cut(text, LONGEST_SHOWN)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def nearest(name: str, known: Iterable[str], otherwise: bool = True, cutoff: float = 0.6) -> str:
    """``did you mean depth?``, or the list of what is known, where nothing is near."""
    names = list(known)
    found = get_close_matches(name.lower(), names, n=3, cutoff=cutoff)
    if found:
        return f"did you mean {' or '.join(found)}?"
    return f"known: {', '.join(names)}" if otherwise and names else ""
