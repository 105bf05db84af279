"""The tables as CSV, for whoever computes further: full precision, one header, ``inf`` for a target never reached."""

from __future__ import annotations

import pandas as pd

from initbench.analysis import Comparison


def summary(comparison: Comparison) -> pd.DataFrame:
    """``summary.csv``: one row per scheme and setting.

    Means and standard deviations (``_mean``, ``_sd``) run over the ``finished`` trials; ``steps_to_target_median``
    counts a miss as infinite.
    """
    return comparison.schemes


def layers(comparison: Comparison) -> pd.DataFrame:
    """``layers.csv``: one row per scheme, setting, probe (first, last) and layer, over seeds.

    ``_geomean`` columns are geometric means, ``_mean`` columns arithmetic ones; ``trials`` counts the seeds
    probed there. Columns that hold nothing, such as predictions that were not made, are left out.
    """
    profiles = comparison.profiles
    return profiles if profiles.empty else profiles.dropna(axis="columns", how="all")


def csv(table: pd.DataFrame) -> str:
    """A table as CSV text."""
    return str(table.to_csv(index=False, lineterminator="\n"))
