"""The figures of a comparison by file name: learning curves, variances against depth, maps of a sweep."""

from __future__ import annotations

from matplotlib.figure import Figure

from initbench.analysis import Comparison
from initbench.report import curves, depths, maps, panels
from initbench.report.literal import literal

FORMATS = ("png", "svg", "pdf")


def draw(comparison: Comparison) -> dict[str, Figure]:
    """Every figure that the tables have data for, by the name of its file."""
    test_metric = "test_accuracy" if comparison.trials["final_test_accuracy"].notna().any() else "test_loss"
    figures = {
        "train_loss": curves.draw(comparison, "train_loss"),
        test_metric: curves.draw(comparison, test_metric),
        "activation_variance": depths.draw(comparison, "activation_variance"),
        "gradient_variance": depths.draw(comparison, "grad_variance"),
        "sweep": maps.draw(comparison),
    }
    return {name: literal(figure) for name, figure in figures.items() if figure is not None}


def encode(figure: Figure, kind: str) -> bytes:
    """A figure as the bytes of a file of one of ``FORMATS``."""
    return panels.encode(figure, kind)
