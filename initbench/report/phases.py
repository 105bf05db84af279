"""The phase diagram as a figure: depth scale in color, the critical line, and the names of the phases."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from scipy.interpolate import RegularGridInterpolator

from initbench.theory import PhaseDiagram

LEVELS = (0.0, 1, 2, 3, 5, 10, 20, 50, 100, 1e9)
FINER = 12  # points between two of the grid
HALO = [withStroke(linewidth=3, foreground="white")]


def draw(diagram: PhaseDiagram, activation: str) -> Figure:
    """Weight variance to the right, bias variance upwards; white where signals are unbounded."""
    figure = Figure(figsize=(7.2, 5.0), layout="constrained")
    panel = figure.subplots()
    weights, biases, scales = _finer(diagram)
    levels = np.array(LEVELS)
    norm = BoundaryNorm(levels, 256)
    shades = panel.contourf(weights, biases, scales, levels=levels, norm=norm, cmap="viridis")
    bar = figure.colorbar(shades, ax=panel, ticks=levels[:-1], spacing="uniform")
    bar.ax.set_yticklabels([f"{level:g}" for level in levels[:-1]])
    bar.set_label(r"depth scale $\xi_c$ (layers); a network trains to a few of these")
    panel.plot(
        diagram.critical_weight_variances,
        diagram.critical_bias_variances,
        "o-" if np.isfinite(diagram.critical_weight_variances).sum() == 1 else "-",
        color="#D55E00",
        linewidth=2.4,
        path_effects=HALO,
        clip_on=False,
        zorder=5,
    )
    _name_phases(figure, diagram)
    panel.set_xlim(0, float(weights[-1]))
    panel.set_ylim(0, float(biases[-1]))
    panel.set_xlabel(r"weight variance $\sigma_w^2$ = fan_in · Var(W)")
    panel.set_ylabel(r"bias variance $\sigma_b^2$ = Var(b)")
    panel.set_title(
        f"Phase diagram of {activation}: where signals and gradients survive depth", loc="left", fontsize=11
    )
    return figure


def _finer(diagram: PhaseDiagram) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The depth scale on a finer grid, through the signed rate, which is smooth where the scale diverges."""
    coarse = RegularGridInterpolator((diagram.bias_variances, diagram.weight_variances), diagram.rates)
    weights = _between(diagram.weight_variances)
    biases = _between(diagram.bias_variances)
    rates = np.abs(coarse(tuple(np.meshgrid(biases, weights, indexing="ij"))))
    scales = 1 / np.clip(rates, 1.01 / LEVELS[-1], None)
    return weights, biases, np.ma.masked_invalid(scales)


def _between(values: np.ndarray) -> np.ndarray:
    return np.linspace(values[0], values[-1], FINER * (len(values) - 1) + 1)


def _name_phases(figure: Figure, diagram: PhaseDiagram) -> None:
    """Write each phase's name into the middle of the area it holds."""
    panel = figure.axes[0]
    areas = {"ordered": diagram.rates > 0, "chaotic": diagram.rates < 0, "unbounded": np.isnan(diagram.rates)}
    for name, area in areas.items():
        rows, columns = np.nonzero(area)
        if area.sum() < area.size / 50:
            continue
        height, across = diagram.bias_variances[rows].mean(), diagram.weight_variances[columns].mean()
        panel.text(across, height, name, ha="center", va="center", fontsize=12, path_effects=HALO, zorder=6)
    line = diagram.critical_weight_variances
    if np.isfinite(line).sum() > 1:
        drawn = np.flatnonzero(np.isfinite(line))
        at = int(drawn[-min(4, len(drawn))])
        place = (float(line[at]), float(diagram.critical_bias_variances[at]))
        panel.annotate("critical line", place, xytext=(8, -14), textcoords="offset points", color="#D55E00",
                       fontsize=10, path_effects=HALO, zorder=6)  # fmt: skip
    elif np.isfinite(line).any():
        panel.annotate("critical point", (float(np.nanmax(line)), 0.0), xytext=(8, 10), textcoords="offset points",
                       color="#D55E00", fontsize=10, path_effects=HALO, zorder=6)  # fmt: skip
