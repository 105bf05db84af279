"""What training takes in memory and time, by arithmetic: before anything is built, drawn or allocated.

Memory is counted: parameters with their gradient and two moments of the optimizer, the signals of a batch forward and
backward, what a layer takes as an object, and the rows that are kept. Time is a rule of thumb: an update makes three
passes (forward, and two matrix products backward), and each layer costs some calls however small it is. It is good to
a factor of a few on a core of today; ``execute.estimate`` corrects it by timing a stack.
"""

from __future__ import annotations

from math import prod

from initbench.datasets import Dataset, Spec
from initbench.networks import Size

PARAMETER_COPIES = 4  # itself, its gradient, and up to two moments of the optimizer
SIGNAL_COPIES = 4  # pre-activation and activation, forward and backward
LAYER_BYTES = 20_000  # modules, parameters and gradients as Python objects
ROW_BYTES = 500  # of the curves, for a trial, while it trains
TRIAL_BYTES = 250  # of a plan: ids in the manifest and beside what is done
DATA_COPIES = 5  # drawn in double precision, converted, standardized
VALUE_BYTES = 4

LAYER_SECONDS = 2e-4  # for a layer, an update and a stack
PRODUCTS_PER_SECOND = 1e10
PASSES = 3

_SPANS = {"min": 60.0, "h": 3600.0, "days": 86400.0, "years": 365.25 * 86400.0}
_LONGEST = 1e6  # years beyond which the number says nothing
_UNITS = ("kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")


def training_bytes(size: Size, batch: int, itemsize: int = VALUE_BYTES) -> int:
    """What training one network holds, its objects aside."""
    return itemsize * (PARAMETER_COPIES * size.parameters + SIGNAL_COPIES * batch * size.signals)


def object_bytes(size: Size) -> int:
    """What the layers of a network take as objects."""
    return LAYER_BYTES * size.layers


def update_seconds(size: Size, batch: int, replicas: int = 1) -> float:
    """One update of a stack of so many networks, on one core."""
    return LAYER_SECONDS * size.layers + PASSES * replicas * batch * size.products / PRODUCTS_PER_SECOND


def drawn_bytes(dataset: Dataset, spec: Spec) -> int:
    """What drawing a dataset takes; 0 for one that is read from files, which are looked at when they are opened."""
    options = dataset.options()
    if "samples" not in options:
        return 0
    samples = spec.train_samples + int(options.get("test_samples") or 0)
    return DATA_COPIES * VALUE_BYTES * samples * prod(spec.input_shape)


def amount(count: float) -> str:
    """A number of bytes in words: ``24 GB``."""
    for power, unit in enumerate(_UNITS, start=1):
        if count < 999.5 * 1000.0**power:
            size = count / 1000.0**power
            return f"{size:.2g} {unit}" if size < 99.5 else f"{size:.0f} {unit}"
    return f"more than 1000 {_UNITS[-1]}"


def span(seconds: float) -> str:
    """A time in words, no more precise than an estimate can be: ``40 s``, ``12 min``, ``3.5 h``, ``12 days``."""
    if seconds < 0.95:
        return f"{max(1, round(1000 * seconds))} ms"
    if seconds < 60:
        return f"{round(seconds)} s"
    unit = [name for name, length in _SPANS.items() if seconds >= 1.5 * length or name == "min"][-1]
    number = seconds / _SPANS[unit]
    if number > _LONGEST:
        return "more than a million years"
    return f"{number:.1f} {unit}" if number < 9.95 and unit != "min" else f"{float(f'{number:.2g}'):.0f} {unit}"
