"""Maps of a sweep: the right cell in the right place, the right winner, and nothing that has no value in color."""

import math
from itertools import product

import pytest
from matplotlib.colors import to_hex
from synthetic_results import Trial, results

from initbench.analysis import analyze
from initbench.report import figures, maps
from initbench.report.palette import looks
from initbench.report.plane import plane

RATES = (0.001, 0.1, 0.01)  # not in order


def trial(init, seed, steps, *, status="finished", **at):
    """A trial that reaches a train loss of 0.5 at the step given, of 100 updates; None never does."""
    losses = [0.4 if steps and 10 * (index + 1) >= steps else 2.0 + index / 100 for index in range(10)]
    if status == "diverged":
        losses = [2.0, math.inf]
    return Trial(init, seed, losses, status=status, planned=100, at={key.replace("__", "."): at[key] for key in at})


def comparison(*trials, axes):
    return analyze(results(*trials, axes=("init", *axes)))


@pytest.fixture(scope="module")
def two_axes():
    steps = {("he", 4): 20, ("he", 8): 40, ("xavier", 4): 20, ("xavier", 8): 30, ("lecun", 4): 50, ("lecun", 8): None}
    trials = [
        trial(init, seed, None if steps[init, depth] is None else steps[init, depth] + (20 if rate == 0.001 else 0),
              network__depth=depth, optimizer__lr=rate)
        for init, depth, rate, seed in product(("he", "xavier", "lecun"), (8, 4), RATES, (0, 1))
        if not (init == "lecun" and rate == 0.1)
    ]  # fmt: skip
    trials += [
        trial("lecun", seed, None, status="diverged", network__depth=depth, optimizer__lr=0.1)
        for depth, seed in product((4, 8), (0, 1))
    ]
    return comparison(*trials, axes=("network.depth", "optimizer.lr"))


def test_numbers_are_in_ascending_order_and_the_axis_with_the_most_values_runs_across(two_axes):
    found = plane(two_axes)
    assert found.titles == ("depth", "lr")
    assert (found.down, found.across) == (("4", "8"), ("0.001", "0.01", "0.1"))


def test_every_cell_is_in_its_place_with_its_value(two_axes):
    found = {(cell.scheme, *cell.place): cell.words for cell in plane(two_axes).cells}
    assert len(found) == 3 * 2 * 3
    assert (found["he", 0, 0], found["he", 0, 2], found["he", 1, 1]) == ("40", "20", "40")
    assert (found["lecun", 1, 0], found["lecun", 1, 2]) == ("–", "×")


def test_the_winner_has_the_fewest_steps_and_all_who_tie_win(two_axes):
    won = {place: [cell.scheme for cell in cells] for place, cells in plane(two_axes).winners().items()}
    assert won == {(0, across): ["he", "xavier"] for across in range(3)} | {
        (1, across): ["xavier"] for across in range(3)
    }


def test_there_is_a_map_of_winners_and_one_for_each_scheme(two_axes):
    figure = maps.draw(two_axes)
    panels = [panel for panel in figure.axes if panel.get_visible()][:4]
    assert [panel.get_title(loc="left") for panel in panels] == ["the best scheme", "he", "xavier", "lecun"]
    words = [[text.get_text() for text in panel.texts] for panel in panels]
    assert sorted(words[0]) == sorted(["40", "20", "20", "50", "30", "30"])
    assert words[3].count("×") == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["he", "xavier", "lecun"]
    colors = {to_hex(line.get_color()).upper() for line in panels[0].lines}
    assert colors == {looks(["he", "xavier"])[name].color for name in ("he", "xavier")}


def test_what_has_no_value_has_no_color(two_axes):
    lecun = maps.draw(two_axes).axes[3]
    ground = lecun.collections[0].get_array()
    assert ground[1].tolist() == [list(maps._BLANK)] * 3
    assert ground[0, 0].tolist() != list(maps._BLANK)


def test_along_one_axis_schemes_run_down_and_the_best_of_each_value_is_framed():
    steps = {("he", "relu"): 20, ("he", "tanh"): 40, ("xavier", "relu"): 30, ("xavier", "tanh"): 20}
    made = comparison(*(trial(init, 0, fast, activation=name) for (init, name), fast in steps.items()),
                      axes=("activation",))  # fmt: skip
    found = plane(made)
    assert (found.down, found.across, found.titles) == (("he", "xavier"), ("relu", "tanh"), ("", "activation"))
    (panel, _) = maps.draw(made).axes
    assert [(int(box.get_y()), int(box.get_x())) for box in panel.patches] == [(0, 0), (1, 1)]


def test_a_third_axis_is_folded_into_the_rows_and_settings_that_were_not_trained_stay_white():
    settings = [(4, 32, 0.1), (4, 64, 0.1), (8, 32, 0.1), (4, 32, 0.2), (4, 32, 0.3)]
    made = comparison(
        *(trial(init, 0, 20, network__depth=depth, network__width=width, optimizer__lr=rate)
          for init in ("he", "xavier") for depth, width, rate in settings),
        axes=("network.depth", "network.width", "optimizer.lr"),
    )  # fmt: skip
    found = plane(made)
    assert (found.down, found.titles) == (("4, 32", "4, 64", "8, 32"), ("depth, width", "lr"))
    ground = maps.draw(made).axes[1].collections[0].get_array()
    assert (ground == 1).all(axis=2).sum() == 9 - len(settings)


def test_where_no_scheme_arrived_the_final_train_loss_is_shown():
    made = comparison(*(trial(init, 0, None, optimizer__lr=rate) for init in ("he", "xavier") for rate in RATES),
                      axes=("optimizer.lr",))  # fmt: skip
    assert {cell.words for cell in plane(made).cells} == {"2.09"}
    assert maps.draw(made).texts[0].get_text().startswith("Final train loss")


def test_nothing_is_drawn_where_nothing_is_swept_or_curves_say_it_all():
    assert maps.draw(comparison(trial("he", 0, 20), trial("xavier", 0, 20), axes=())) is None
    alone = [trial("he", 0, 20, optimizer__lr=rate) for rate in RATES]
    assert maps.draw(comparison(*alone, axes=("optimizer.lr",))) is None


def test_large_sweeps_keep_their_size_and_leave_the_words_out():
    rates = [10 ** (-4 + index / 10) for index in range(60)]
    made = comparison(*(trial(init, 0, 20, optimizer__lr=rate) for init in ("he", "xavier") for rate in rates),
                      axes=("optimizer.lr",))  # fmt: skip
    figure = maps.draw(made)
    assert figure.get_size_inches()[0] < 16
    assert not figure.axes[0].texts
    assert len([text for text in figure.axes[0].get_xticklabels() if text.get_text()]) <= 40


@pytest.mark.parametrize("kind", figures.FORMATS)
def test_the_map_is_among_the_figures_in_every_format(two_axes, kind):
    content = figures.encode(figures.draw(two_axes)["sweep"], kind)
    assert content[:4] == {"png": b"\x89PNG", "svg": b"<?xm", "pdf": b"%PDF"}[kind]
    assert len(content) > 5000
