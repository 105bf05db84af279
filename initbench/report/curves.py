"""Learning curves: the mean over the seeds of each scheme, and a band from the lowest seed to the highest.

A mean is drawn only as far as every seed has a value: where a seed diverges, the mean would turn into one over
survivors. The seeds that go on are drawn singly and thin, and each divergence is marked at its step.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator, PercentFormatter

from initbench.analysis import Comparison, cells
from initbench.records import FAILED
from initbench.report import panels
from initbench.report.page.numbers import picked
from initbench.report.palette import Look, looks

MOST_ALONE = 50  # seeds of one scheme that are drawn singly where another has diverged
_LOG_FROM = 30.0  # a ratio of largest to smallest loss beyond which a linear axis hides the small ones


def draw(comparison: Comparison, metric: str) -> Figure | None:
    """``train_loss``, ``test_loss`` or ``test_accuracy`` against steps, a panel per setting; None without data."""
    curves = comparison.results.records.curves.reindex(columns=["id", "step", metric])
    curves = curves[np.isfinite(curves[metric].astype(float))]
    measured = comparison.trials[comparison.trials["status"] != FAILED]
    settings = list(cells.by_setting(measured, comparison.axes)) if len(measured) else []
    if curves.empty or not settings:
        return None
    schemes = looks(comparison.names)
    drawn, left_out = panels.shown(settings)
    figure, axes = panels.grid(len(drawn), share="all")
    for panel, (setting, trials) in zip(axes, drawn, strict=True):
        own = curves[curves["id"].isin(trials["id"])].pivot_table(index="step", columns="id", values=metric)
        for name, rows in trials.groupby(cells.SCHEME, sort=False):
            _scheme(panel, rows, own, schemes[str(name)])
        panel.set_title(setting, fontsize=10, loc="left")
        panels.name_axes(panel, "step (updates)", metric.replace("_", " "))
    calm = curves[curves["id"].isin(_calm(measured))] if len(_calm(measured)) else curves
    _scale(axes[0], calm, metric, planned=measured["steps"].max())
    if comparison.results.manifest.target_metric == metric:
        _target(axes, comparison)
    panels.finish(
        figure,
        f"{metric.replace('_', ' ').capitalize()}, {comparison.results.manifest.name}",
        schemes,
        explanation=_explanation(comparison) + left_out,
        notes=panels.endings(comparison),
    )
    return figure


def _scheme(panel: Axes, trials: pd.DataFrame, curves: pd.DataFrame, look: Look) -> None:
    """One scheme of a setting; ``curves`` has a row for each step and a column for each trial of the setting."""
    table = curves.reindex(columns=list(trials["id"]))  # a seed without one finite value keeps the mean from starting
    shared = table.dropna()
    if len(shared):
        panel.plot(shared.index, shared.mean(axis=1), **panels.markings(look, len(shared)))
        panel.fill_between(
            shared.index.to_numpy(), shared.min(axis=1), shared.max(axis=1), color=look.color, alpha=0.15, linewidth=0
        )
    alone = table[table.index >= shared.index.max()] if len(shared) else table
    going = alone.columns[alone.notna().sum() > 1]
    for trial in going[picked(len(going), MOST_ALONE)]:
        survivor = alone[trial].dropna()
        panel.plot(survivor.index, survivor, color=look.color, linestyle=look.line, linewidth=0.8, alpha=0.7)
    diverged = trials[trials["status"] == "diverged"]
    if len(diverged):
        steps = diverged["diverged_step"].astype(float).fillna(0.0)
        edge = panel.get_xaxis_transform()
        panel.plot(
            steps, np.ones(len(steps)), "x", color=look.color, transform=edge, clip_on=False, markersize=7, zorder=6
        )


def _scale(panel: Axes, curves: pd.DataFrame, metric: str, *, planned: float) -> None:
    """Choose the value axis (shared by all panels) by the trials that did not diverge: these set the scale."""
    values = curves[metric].astype(float)
    low, high = float(values.min()), float(values.max())
    if metric.endswith("accuracy"):
        panel.set_ylim(0, 1.02)
        panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    elif low > 0 and high / low > _LOG_FROM:
        panel.set_yscale("log")
        panel.set_ylim(low / 1.4, high * 1.4)
    else:
        panel.set_ylim(min(0.0, low), 1.08 * high if high > 0 else 1.0)
    last = float(curves["step"].max()) or float(planned) or 1.0  # all may have ended before their first update
    panel.set_xlim(0, 1.02 * last)
    panel.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True, min_n_ticks=1))


def _target(axes: list[Axes], comparison: Comparison) -> None:
    value = comparison.results.manifest.target_value
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(min(low, value * 0.8 if value > 0 else 1.2 * value), max(high, value * 1.1))
    for panel in axes:
        panel.axhline(value, color="0.25", linestyle=(0, (4, 3)), linewidth=1.0, zorder=2)
        panel.annotate(
            f"target {comparison.target.split(' ')[-1]}",
            (0.0, value),
            xycoords=panel.get_yaxis_transform(),
            xytext=(4, 3),
            textcoords="offset points",
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            fontsize=8,
            color="0.25",
            zorder=7,
        )


def _calm(trials: pd.DataFrame) -> pd.Series:
    return trials.loc[trials["status"] == "finished", "id"]


def _explanation(comparison: Comparison) -> str:
    alone = bool((comparison.schemes["trials"] == 1).all())
    text = "One seed each." if alone else "Line: mean over seeds. Band: lowest to highest seed."
    if comparison.schemes["diverged"].any():
        text += " × on the upper edge: a seed diverged at this step; thin lines: the seeds that go on"
        text += f", {MOST_ALONE} of them at most." if comparison.schemes["trials"].max() > MOST_ALONE else "."
    return text
