"""The tables as CSV, for whoever computes further: full precision, one header, ``inf`` for a target never reached."""

from __future__ import annotations

import pandas as pd

from initbench.analysis import Comparison
from initbench.printable import printable


def summary(comparison: Comparison) -> pd.DataFrame:
    """``summary.csv``: one row per scheme and setting.

    Means (``_mean`` arithmetic, ``_geomean`` geometric) and standard deviations (``_sd``) run over the ``finished``
    trials; medians and quartiles of the steps count a miss as infinite; ``_low`` and ``_high`` are 95 % intervals.
    """
    return comparison.schemes


def contrasts(comparison: Comparison) -> pd.DataFrame:
    """``contrasts.csv``: one row per setting, scheme other than the reference, and metric.

    ``estimate`` is a ratio for ``steps_to_target`` and a difference for the rest, with an interval (``low``, ``high``,
    at ``level``), an exact p-value and the same corrected (``p_holm``) for the number of schemes.
    """
    return comparison.contrasts


def layers(comparison: Comparison) -> pd.DataFrame:
    """``layers.csv``: one row per scheme, setting, probe (first, last) and layer, over seeds.

    ``_geomean`` columns are geometric means, ``_mean`` columns arithmetic ones; ``trials`` counts the seeds
    probed there. Columns that hold nothing, such as predictions that were not made, are left out.
    """
    profiles = comparison.profiles
    return profiles if profiles.empty else profiles.dropna(axis="columns", how="all")


def csv(table: pd.DataFrame) -> str:
    """A table as CSV text."""
    return printable(str(table.to_csv(index=False, lineterminator="\n")))
