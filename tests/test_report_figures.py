"""Figures: labelled, complete in their legend, not blank, and honest about what an axis cannot show."""

import io
import math
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import image
from synthetic_results import Trial, results

from initbench.analysis import analyze
from initbench.report import figures, palette

NAMES = ("he", "xavier", "lecun", "orthogonal", "normal[std=0.01]", "torch_default", "zeros", "constant[value=0.1]")


def trials(count, at=None):
    return [
        Trial(
            name,
            seed,
            [2.3 * (1 - 0.02 * rank) ** step + 0.01 * seed for step in range(1, 21)],
            [0.1 + 0.02 * step for step in range(1, 21)],
            activations=[[0.5**layer * (rank + 1) for layer in range(12)]] * 2,
            gradients=[[0.5 ** (12 - layer) * (rank + 1) for layer in range(12)]] * 2,
            at=at or {},
        )
        for rank, name in enumerate(NAMES[:count])
        for seed in range(2)
    ]


def drawn(*made, **options):
    return figures.draw(analyze(results(*made, **options)))


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.fixture(scope="module")
def eight():
    return drawn(*trials(8))


@pytest.mark.parametrize("name", ["train_loss", "test_accuracy", "activation_variance", "gradient_variance"])
def test_png_has_its_size_and_is_not_blank(eight, name):
    pixels = image.imread(io.BytesIO(figures.encode(eight[name], "png")))
    width, height = eight[name].get_size_inches() * 150
    assert pixels.shape[:2] == (pytest.approx(height, abs=1), pytest.approx(width, abs=1))
    colors = {tuple(np.round(255 * np.array(mpl.colors.to_rgb(color))).astype(int)) for color in palette.COLORS}
    seen = {tuple(pixel) for pixel in np.unique(np.round(255 * pixels[..., :3]).astype(int).reshape(-1, 3), axis=0)}
    assert colors <= seen  # each of the eight schemes left ink


@pytest.mark.parametrize("name", ["train_loss", "gradient_variance"])
def test_svg_is_well_formed(eight, name):
    root = ET.fromstring(figures.encode(eight[name], "svg"))  # noqa: S314 - our own output
    assert root.tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("count", [2, 6, 8])
def test_every_scheme_is_in_every_legend(count):
    for figure in drawn(*trials(count)).values():
        assert legend(figure) == list(NAMES[:count])


def test_axes_say_what_they_show(eight):
    labels = {name: (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) for name, figure in eight.items()}
    assert labels == {
        "train_loss": ("step (updates)", "train loss"),
        "test_accuracy": ("step (updates)", "test accuracy"),
        "activation_variance": ("layer (the last is the output layer)", "activation variance"),
        "gradient_variance": ("layer (the last is the output layer)", "gradient variance"),
    }


def test_every_text_lies_inside_the_figure(eight):
    for figure in eight.values():
        figure.draw_without_rendering()
        box = figure.bbox
        shown = [text for text in figure.findobj(mpl.text.Text) if text.get_text() and text.get_visible()]
        for text in [*figure.texts, *figure.legends[0].get_texts(), *(axes.xaxis.label for axes in figure.axes)]:
            extent = text.get_window_extent()
            assert text in shown
            assert extent.x0 >= box.x0
            assert extent.x1 <= box.x1
            assert extent.y0 >= box.y0
            assert extent.y1 <= box.y1


def test_the_mean_and_the_band_are_those_of_the_seeds():
    figure = drawn(Trial("he", 0, (2.0, 1.0)), Trial("he", 1, (4.0, 1.5)))["train_loss"]
    line = figure.axes[0].lines[0]
    assert line.get_xydata().tolist() == [[10, 3.0], [20, 1.25]]
    corners = figure.axes[0].collections[0].get_paths()[0].vertices
    assert {(x, y) for x, y in corners.tolist()} >= {(10, 2.0), (10, 4.0), (20, 1.0), (20, 1.5)}


def test_the_target_is_drawn_where_its_metric_is_shown(eight):
    assert "target 0.5" in [text.get_text() for text in eight["train_loss"].axes[0].texts]
    assert not eight["test_accuracy"].axes[0].texts
    accuracy = drawn(*trials(2), target=("test_accuracy", 0.95))["test_accuracy"]
    assert "target 95%" in [text.get_text() for text in accuracy.axes[0].texts]


def test_a_diverged_scheme_is_in_the_legend_and_marked_at_its_step():
    figure = drawn(
        Trial("he", 0, (2.0, 1.0, 0.5)),
        Trial("normal[std=9]", 0, (math.inf,), status="diverged", planned=30),
    )["train_loss"]
    assert legend(figure) == ["he", "normal[std=9] (diverged 1/1)"]
    crosses = [line for line in figure.axes[0].lines if line.get_marker() == "x"]
    assert [cross.get_xdata().tolist() for cross in crosses] == [[10.0]]


def test_the_mean_ends_where_a_seed_diverges_and_the_others_go_on_singly():
    figure = drawn(
        Trial("he", 0, (2.0, 1.5, 1.0, 0.5)),
        Trial("he", 1, (2.0, 1.5, math.nan), status="diverged", planned=40),
    )["train_loss"]
    mean, survivor = figure.axes[0].lines[:2]
    assert mean.get_xdata().tolist() == [10, 20]
    assert survivor.get_xydata().tolist() == [[20, 1.5], [30, 1.0], [40, 0.5]]


def test_losses_that_span_decades_get_a_log_axis_and_others_start_at_zero():
    wide = drawn(Trial("he", 0, (100.0, 1.0)))["train_loss"].axes[0]
    narrow = drawn(Trial("he", 0, (2.0, 1.0)))["train_loss"].axes[0]
    assert wide.get_yscale() == "log"
    assert [narrow.get_yscale(), narrow.get_ylim()[0]] == ["linear", 0]


def test_a_diverging_loss_does_not_set_the_scale_for_the_others():
    exploding = Trial("normal[std=9]", 0, (1e6, 1e9, math.inf), status="diverged", planned=40)
    panel = drawn(Trial("he", 0, (2.0, 1.0, 0.5, 0.4)), exploding)["train_loss"].axes[0]
    assert panel.get_ylim()[1] < 3


def test_zero_and_infinite_variances_are_marked_at_the_edges_of_the_log_scale():
    figure = drawn(
        Trial("zeros", 0, (2.0, 1.0), activations=[(1.0, 0.0, 0.0)]),
        Trial("normal[std=9]", 0, (2.0, 1.0), activations=[(1.0, math.inf, math.nan)]),
    )["activation_variance"]
    marks = {line.get_marker(): line for line in figure.axes[0].lines if line.get_marker() in ("v", "x")}
    assert marks["v"].get_xdata().tolist() == [2, 3]
    assert marks["x"].get_xdata().tolist() == [2, 3]
    assert max(marks["v"].get_ydata()) < 0.1  # fractions of the panel's height
    assert min(marks["x"].get_ydata()) > 0.9
    notes = " ".join(text.get_text() for text in figure.texts)
    assert "exactly zero" in notes
    assert "not finite" in notes


def test_variances_that_are_all_zero_still_make_a_figure():
    figure = drawn(Trial("zeros", 0, (2.0, 1.0), activations=[(0.0, 0.0)], gradients=[(0.0, 0.0)]))
    assert len(figures.encode(figure["gradient_variance"], "png")) > 1000


def test_a_sweep_is_drawn_as_small_multiples_under_one_legend():
    made = [trial for depth in (5, 10, 20, 30, 50) for trial in trials(3, {"network.depth": depth})]
    figures = drawn(*made, axes=("init", "network.depth"))
    figures.pop("sweep")  # a map, by itself
    for figure in figures.values():
        titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
        assert [title.split(",")[0] for title in titles] == [f"depth={depth}" for depth in (5, 10, 20, 30, 50)]
        assert legend(figure) == list(NAMES[:3])


def test_more_schemes_than_colors_still_look_different():
    looks = palette.looks([f"scheme{index}" for index in range(24)])
    assert len({(look.color, look.line, look.marker) for look in looks.values()}) == 24


def test_a_regression_is_drawn_by_its_test_loss_and_nothing_measured_draws_nothing():
    assert "test_loss" in drawn(Trial("he", 0, (2.0, 1.0)), task="regression")
    assert drawn(Trial("he", 0, status="failed", reason="killed")) == {}
    assert drawn() == {}


def test_a_scheme_that_diverged_before_the_last_probe_is_not_silently_absent_from_it():
    figure = drawn(
        Trial("he", 0, (2.0, 1.0), activations=[(1.0, 1.0)] * 2, gradients=[(1.0, 1.0)] * 2),
        Trial("normal[std=9]", 0, (math.inf,), activations=[(1.0, 1.0)], gradients=[(1.0, 1.0)], status="diverged"),
    )["gradient_variance"]
    assert legend(figure) == ["he", "normal[std=9] (diverged 1/1)"]
    assert "as far as it was probed" in " ".join(text.get_text() for text in figure.texts)


def predicted(made, low, high):
    """Results of which each layer has a prediction before training, a decade above what was measured."""
    layers = made.records.layers
    for end, factor in (("", 10.0), ("_low", low), ("_high", high)):
        for name in ("activation_variance", "grad_variance"):
            layers[f"predicted_{name}{end}"] = (factor * layers[name]).where(layers["step"] == 0)
    return made


@pytest.mark.parametrize("rate", [1.0, 0.9, 0.1])
def test_a_layer_panel_holds_prediction_and_band_and_two_labeled_powers_of_ten(rate):
    depth = [rate**layer for layer in range(6)]
    trial = Trial("he", 0, (2.0, 1.0), activations=[depth], gradients=[depth], at={"network.depth": 6})
    other = Trial("he", 1, (2.0, 1.0), activations=[depth], gradients=[depth], at={"network.depth": 7})
    made = predicted(results(trial, other, axes=("init", "network.depth")), 2.0, 50.0)
    figure = figures.draw(analyze(made))["activation_variance"]
    figure.draw_without_rendering()
    for panel in figure.axes:
        bottom, top = panel.get_ylim()
        band = np.concatenate([path.vertices[:, 1] for path in panel.collections[0].get_paths()])
        lines = np.concatenate([line.get_ydata() for line in panel.lines])
        assert bottom < min(band.min(), lines.min())
        assert max(band.max(), lines.max()) < top
        assert sum(bottom <= tick <= top for tick in panel.get_yticks()) >= 2
        assert panel.get_yticks(minor=True).size == 0


def test_what_a_diverged_scheme_left_behind_is_marked_and_does_not_flatten_the_others():
    calm, wild = (1.0, 0.5, 0.25), (1e28, 1e20, 1e10)
    figure = drawn(
        Trial("he", 0, (2.0, 1.0), activations=[calm] * 2, gradients=[calm] * 2),
        Trial("normal[std=9]", 0, (math.inf,), activations=[calm, wild], gradients=[calm, wild], status="diverged"),
    )["gradient_variance"]
    last = figure.axes[1]
    assert last.get_ylim()[1] < 100
    (marked,) = [line for line in last.lines if line.get_marker() == "x"]
    assert marked.get_xdata().tolist() == [1, 2, 3]
    assert "left behind by a scheme that diverged" in " ".join(text.get_text() for text in figure.texts)
    alone = drawn(Trial("he", 0, (math.inf,), activations=[calm, wild], gradients=[calm, wild], status="diverged"))
    assert alone["gradient_variance"].axes[1].get_ylim()[1] > 1e28  # nobody to make room for


@pytest.mark.filterwarnings("error")
def test_curves_that_end_before_their_first_update_have_the_planned_steps_on_their_axis():
    made = results(*(Trial(name, 0, (math.inf,), status="diverged", planned=78) for name in ("he", "xavier")))
    made.records.curves.loc[made.records.curves["step"] == 0, "test_loss"] = 2.3
    figure = figures.draw(analyze(made))["test_loss"]
    assert len(figures.encode(figure, "png")) > 1000
    assert figure.axes[0].get_xlim() == (0, pytest.approx(1.02 * 78))
    assert all(tick == round(tick) for tick in figure.axes[0].get_xticks())
