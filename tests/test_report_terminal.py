"""The terminal: goldens of the tables as text, and nothing cut off."""

import io
import math
from pathlib import Path

import pytest
from rich.console import Console
from synthetic_results import Trial, results

from initbench.analysis import analyze
from initbench.report import maps, sweeps, terminal
from initbench.report.plane import plane

GOLDEN = Path(__file__).parent / "golden"


def signals(rate, depth=9):
    return {
        "activations": [[rate**layer for layer in range(depth)]],
        "gradients": [[1e-2 * rate ** (depth - layer) for layer in range(depth)]],
    }


MIXED = (
    *(Trial("he", seed, (2.0, 0.5 - seed / 50, 0.3), (0.3, 0.85, 0.91), **signals(1.0)) for seed in range(3)),
    *(Trial("xavier", seed, (2.2, 1.5, 0.48 + seed / 50), (0.2, 0.5, 0.8), **signals(0.5)) for seed in range(3)),
    *(Trial("zeros", seed, (math.log(10),) * 3, (0.1, 0.1, 0.1), **signals(0.0)) for seed in range(3)),
    *(Trial("normal[std=1.0]", seed, (9.0, 8.0, 7.0), (0.1, 0.1, 0.2), **signals(50.0)) for seed in range(2)),
    Trial("normal[std=1.0]", 2, (9.0, math.inf), status="diverged", reason="loss is inf", planned=30, **signals(50.0)),
    Trial("sparse", 0, (2.0, 0.4, 0.4), (0.1, 0.8, 0.9), **signals(0.9)),
    Trial("sparse", 1, status="failed", reason="worker [3] died\nTraceback ...", planned=30),
)
SWEEP = tuple(
    Trial(init, seed, (2.0, final), at={"network.depth": depth})
    for depth in (5, 30)
    for init, final in (("he", 0.4), ("xavier", 0.4 if depth == 5 else 1.9))
    for seed in range(2)
)


def text(comparison, width=100):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(terminal.render(comparison))
    return "".join(line.rstrip() + "\n" for line in console.file.getvalue().splitlines())


@pytest.mark.parametrize(
    ("name", "trials", "axes"),
    [("mixed", MIXED, ("init",)), ("sweep", SWEEP, ("init", "network.depth")), ("nothing", (), ("init",))],
)
def test_the_terminal_reads_as_in_the_golden_file(name, trials, axes):
    shown = text(analyze(results(*trials, axes=axes)))
    assert shown == (GOLDEN / f"terminal_{name}.txt").read_text()


@pytest.mark.parametrize("width", [80, 200])
def test_nothing_is_cut_off_on_a_terminal_of_eighty_columns_or_more(width):
    shown = "".join(text(analyze(results(*MIXED)), width).split())
    for piece in ("normal[std=1.0]", "diverged1/3", "0.300±0.000", "1.0e-02", "×0.50", "notreached"):
        assert piece in shown


def test_names_and_reasons_are_never_read_as_markup():
    shown = text(analyze(results(Trial("normal[bold]", 0, status="failed", reason="[red]no"))))
    assert "normal[bold]" in shown
    assert "[red]no" in shown


def test_a_divergence_without_a_reason_is_told_by_its_step_and_layer():
    shown = text(analyze(results(Trial("he", 0, (9.0, math.inf), status="diverged", planned=30))))
    assert "he, seed 0: diverged at step 20, first bad layer layer2\n" in shown


def test_a_long_list_of_failures_is_shortened_and_says_where_the_rest_is():
    shown = text(analyze(results(*(Trial("he", seed, status="failed", reason="killed") for seed in range(30)))))
    assert shown.count("killed") == 10
    assert "and 20 more, all in report.md" in shown


SEARCH = tuple(
    Trial(init, seed, (2.0, 0.4 if depth < 9 else 1.9), at={"network.depth": depth})
    for depth, tried in ((5, ("xavier",)), (8, ("he", "xavier")), (9, ("he",)))
    for init in tried
    for seed in range(2)
)


def test_a_search_keeps_the_order_of_its_first_round_and_crowns_nobody_who_ran_alone():
    comparison = analyze(results(*SEARCH, axes=("init", "network.depth")))
    assert (comparison.names, comparison.reference) == (["he", "xavier"], "he")
    assert comparison.sentence.index("he 8 (not 9)") < comparison.sentence.index("xavier 8")
    rows = sweeps.settings(comparison).rows
    assert [row[0] for row in rows] == ["5", "8", "9"]
    assert [row[1:] for row in rows] == [("", "20", ""), ("20", "20", "he and xavier"), ("–", "", "")]
    shown = " ".join(text(comparison).split())
    assert "blank where it was not tried" in shown
    assert "Best: the fewest steps, where two were tried" in shown
    assert not [claim for claim in comparison.claims if "no measured seed" in claim]
    assert [claim[:10] for claim in comparison.claims] == ["At depth=8"]


def test_a_map_frames_nobody_who_ran_alone():
    whole = plane(analyze(results(*SEARCH, axes=("init", "network.depth"))))
    assert whole.down == ("he", "xavier")
    assert {place: [cell.scheme for cell in best] for place, best in whole.winners(of_columns=True).items()} == {
        (0, 1): ["he", "xavier"]
    }


def test_a_map_explains_its_blanks_where_there_are_any():
    searched, swept_whole = (
        maps.draw(analyze(results(*trials, axes=("init", "network.depth")))).texts[1].get_text()
        for trials in (SEARCH, SWEEP)
    )
    assert "blank not tried" in searched
    assert "where two were tried" in searched
    assert "tried" not in swept_whole
