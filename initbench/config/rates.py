"""``lr: auto``: a grid of learning rates that starts around the optimizer's own default and is widened by a search.

The grid has two points a decade, …, 0.003, 0.01, 0.03, 0.1, …: close enough that the best of them is within a factor of
two of the best there is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from initbench.component import UnknownNameError
from initbench.config.axes import raw_components
from initbench.config.expected import field_words
from initbench.config.problems import Problems, nearest
from initbench.optimizers import OPTIMIZERS, Optimizer

AUTO = "auto"
AROUND = 2  # points of the first grid on either side of the default

Place = int
"""The place of a rate in the grid: 0 is 1, 2 is 10, -1 is 0.3."""


def rate(place: Place) -> float:
    """The rate at a place of the grid, as one would write it."""
    decade, half = divmod(place, 2)
    return float(f"{3 if half else 1}e{decade}")


def place_of(value: float) -> Place:
    """The place nearest to a rate."""
    return round(2 * math.log10(value))


def with_grid(value: object, problems: Problems) -> tuple[object, bool]:
    """What the key ``optimizer`` holds with the first grid in place of ``lr: auto``, and whether that was asked for.

    Any other word for the rate is a problem, and left out of what the key holds.
    """
    unheard = Problems.unheard()  # what is no optimizer is reported where the optimizers are read
    items = value if isinstance(value, list) else [value]
    found = [raw for item in items for raw in raw_components(item, ("optimizer",), OPTIMIZERS, unheard)]
    if len(found) == 1 and isinstance(wrong := found[0].get("lr"), str) and wrong != AUTO:
        expected = f"{field_words(Optimizer, 'lr')} or {AUTO}"
        problems.unexpected(("optimizer", "lr"), wrong, expected, nearest(wrong, [AUTO], otherwise=False))
        return {option: given for option, given in found[0].items() if option != "lr"}, False
    if all(raw.get("lr") != AUTO for raw in found):
        return value, False
    if len(found) > 1:
        problems.add(("optimizer",), f"found lr: {AUTO} beside another optimizer, expected it to be the only one")
        return value, False
    try:
        cls, preset = OPTIMIZERS.resolve(str(found[0]["name"]))
    except UnknownNameError:
        return value, False
    middle = place_of(float(_default(cls.model_fields["lr"].default, preset)))
    grid = [rate(place) for place in range(middle - AROUND, middle + AROUND + 1)]
    return {**found[0], "lr": grid}, True


def _default(own: float, preset: Mapping[str, object]) -> float:
    given = preset.get("lr", own)
    return given if isinstance(given, float) else own
