"""What sweeps over rate and depth found: on the page, in Markdown and as tables, each where there is one."""

import math

import pytest
from synthetic_results import Trial, results

from initbench.analysis import analyze
from initbench.report import markdown, searches
from initbench.report import page as report_page


def trials(steps, axis):
    """Four seeds of each scheme at each value; trials arrive at the step given, diverge (inf), or never do (None)."""
    return [
        Trial(init, seed, _losses(at), planned=100, at={axis: value},
              status="diverged" if at == math.inf else "finished")
        for (init, value), at in steps.items()
        for seed in range(4)
    ]  # fmt: skip


def _losses(at):
    if at == math.inf:
        return [2.0, math.inf]
    return [0.4 if at and 10 * (index + 1) >= at else 2.0 for index in range(10)]


RATES = {("he", 0.01): 80, ("he", 0.1): 30, ("he", 1.0): math.inf, ("xavier", 0.01): None, ("xavier", 0.1): 50,
         ("xavier", 1.0): 20, ("zeros", 0.01): None, ("zeros", 0.1): None, ("zeros", 1.0): None}  # fmt: skip
DEPTHS = {
    ("he", 5): 20,
    ("he", 30): 30,
    ("xavier", 5): 20,
    ("xavier", 30): None,
    ("zeros", 5): None,
    ("zeros", 30): None,
}


@pytest.fixture(scope="module")
def rates():
    return analyze(results(*trials(RATES, "optimizer.lr"), axes=("init", "optimizer.lr")))


@pytest.fixture(scope="module")
def depths():
    return analyze(results(*trials(DEPTHS, "network.depth"), axes=("init", "network.depth")))


def test_each_scheme_has_its_best_rate_and_its_usable_range(rates):
    assert searches.best_rates(rates).rows == [
        ("he", "0.1", "3/3", "30", "0.01 to 0.1", "≥ 1.0"),
        ("xavier", "1*", "3/3", "20", "0.1 to 1", "≥ 1.0"),
        ("zeros", "0.01*", "0/3", "not reached", "none", "–"),
    ]
    assert searches.best_rates(rates).caption.startswith(
        "Best: the lowest train loss averaged over the run, on 1 seed "
    )


def test_each_scheme_has_its_greatest_depth_and_the_next_that_failed(depths):
    assert searches.greatest_depths(depths).rows == [("he", "≥ 30", "–"), ("xavier", "5", "30"), ("zeros", "none", "5")]


def test_without_a_swept_rate_or_depth_there_is_no_table(rates, depths):
    assert searches.best_rates(depths) is None
    assert searches.greatest_depths(rates) is None


def test_page_and_markdown_say_what_was_found(rates, depths):
    for comparison, title in (
        (rates, "Each scheme at its own best learning rate"),
        (depths, "The greatest depth that each"),
    ):
        page, text = report_page.render(comparison), markdown.render(comparison, ["sweep"])
        assert title in page
        assert f"## {title}" in text
        found = comparison.rates or comparison.reach
        for claim in found.claims:
            assert claim in page
            assert claim in text
        assert "![sweep](figures/sweep.png)" in text


def test_the_page_says_where_the_winner_flips_and_what_rates_are_usable(rates):
    page = report_page.render(rates)
    assert "The winner flips: xavier is first at its own best rate, but at equal rates he at 0.01 and 0.1." in page
    assert "Usable rates: he 0.01 to 0.1 (at least 1.0 decades)" in page


def test_where_seeds_are_crossed_the_page_says_what_the_scatter_comes_from():
    made = [
        Trial("he", seed, (2.0, 0.4 + 0.1 * seed + 0.01 * data), at={"data_seed": data})
        for seed in range(3) for data in range(3)
    ]  # fmt: skip
    page = report_page.render(analyze(results(*made)))
    assert "What the scatter comes from" in page
    assert "3 weight seeds × 3 data seeds" in page
    alone = report_page.render(analyze(results(Trial("he", 0, (2.0, 0.4)))))
    assert "What the scatter comes from" not in alone
