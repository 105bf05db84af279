"""Numbers and lists as people read them: three digits of a loss, steps as integers, "a, b and c".

Every number that a report shows passes through here, so that no table is more precise than the measurement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

MISSING = "–"
NOT_REACHED = "not reached"


def significant(value: float, digits: int = 3) -> str:
    """A number to so many significant digits: ``0.412``, ``2.30``, ``123``, ``1.23e+03``, ``4.12e-05``."""
    if math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value != 0 and not 1e-3 <= abs(value) < 10**digits:
        return f"{value:.{digits - 1}e}"
    return f"{value:#.{digits}g}".rstrip(".")


def mean_sd(mean: float, sd: float) -> str:
    """``0.412 ± 0.031``: the spread to the decimals of the mean, left out where one trial leaves it undefined."""
    text = significant(mean)
    if not (math.isfinite(mean) and math.isfinite(sd)):
        return text
    if "e" in text:
        return f"{text} ± {sd:.0e}"
    return f"{text} ± {sd:.{len(text.partition('.')[2])}f}"


def percent(fraction: float) -> str:
    """A fraction in percent, without the sign: ``0.9123`` is ``91.2``."""
    return MISSING if math.isnan(fraction) else f"{100 * fraction:.1f}"


def percent_mean_sd(mean: float, sd: float) -> str:
    """``91.2 ± 0.4``, in percent."""
    return percent(mean) if math.isnan(mean) or math.isnan(sd) else f"{percent(mean)} ± {percent(sd)}"


def variance(value: float) -> str:
    """``3.2e-05``; always with an exponent, since a column spans many decades."""
    if not math.isfinite(value):
        return MISSING
    return "0" if value == 0 else f"{value:.1e}"


def factor(value: float) -> str:
    """A ratio to two digits: ``×0.50``."""
    return f"×{significant(value, 2)}" if math.isfinite(value) else MISSING


def steps(value: float) -> str:
    """A number of updates, or that the target was missed."""
    if math.isnan(value):
        return MISSING
    return NOT_REACHED if math.isinf(value) else str(round(value))


def setting(value: object) -> str:
    """The value of an option as it was written: ``10``, ``0.01``, ``none`` for a component that lacks the option."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def listing(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def count(number: int, noun: str) -> str:
    """``1 seed``, ``5 seeds``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def target(metric: str, value: float) -> str:
    """``train loss 0.5``, ``test accuracy 95%``."""
    words = metric.replace("_", " ")
    return f"{words} {100 * value:g}%" if metric.endswith("accuracy") else f"{words} {value:.3g}"
