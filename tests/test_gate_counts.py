"""Counts of seeds: exact against references, never surer than chance allows, and sure of a total loss."""

import math
from dataclasses import replace

import numpy as np
import pytest
from gated import cell
from scipy import stats

from initbench.gate import Mark, Tolerance
from initbench.gate.counts import Count, Side, counted
from initbench.gate.statistical import statistical


def side(hits, seeds):
    return Side({seed: [seed < hits] for seed in range(seeds)})


def reaching(made, hits, scheme="he"):
    """A cell of which the seeds reach the target that ``hits`` says."""
    steps = tuple(value if hit else None for value, hit in zip(made.metrics["steps_to_target"], hits, strict=True))
    return made.model_copy(update={"scheme": scheme, "metrics": {**made.metrics, "steps_to_target": steps}})


def checked(schemes, old, new):
    """The findings where of one scheme ``old`` and ``new`` seeds reach the target, and all of the others."""
    rng = np.random.default_rng(schemes)
    cells = [cell(rng, range(len(old)), 0.5) for _ in range(schemes)]
    hits = [(old, new), *[([True] * len(old),) * 2] * (schemes - 1)]
    pairs = [
        (reaching(made, before, f"scheme{index}"), reaching(made, now, f"scheme{index}"))
        for index, (made, (before, now)) in enumerate(zip(cells, hits, strict=True))
    ]
    return statistical(pairs, 10.0, Tolerance())


def found(findings, what="reached", scheme="scheme0"):
    (one,) = [finding for finding in findings if (finding.scheme, finding.what) == (scheme, what)]
    return one


@pytest.mark.parametrize(("old", "olds", "new", "news"), [(5, 5, 0, 5), (8, 8, 1, 8), (3, 8, 5, 6), (1, 4, 0, 7)])
def test_p_values_of_counts_are_those_of_fisher(old, olds, new, news):
    count = Count(None, "reached", side(old, olds), side(new, news))
    table = [[old, olds - old], [new, news - new]]
    expected = [stats.fisher_exact(table, alternative=side).pvalue for side in ("greater", "less")]
    assert count.p_values == pytest.approx(expected)
    least = min(
        stats.fisher_exact([[old + new - k, olds - old - new + k], [k, news - k]], alternative=side).pvalue
        for k in range(max(0, old + new - olds), min(news, old + new) + 1)
        for side in ("greater", "less")
    )
    assert count.least_p_value == pytest.approx(least)


@pytest.mark.parametrize(("old", "new"), [(5, 5), (8, 8), (5, 1), (3, 10)])
def test_a_total_loss_is_never_likelier_than_its_bound(old, new):
    likelier = max(q**old * (1 - q) ** new for q in np.linspace(0, 1, 10_001))
    assert Count(None, "reached", side(old, old), side(0, new)).chance_of_total == pytest.approx(likelier, rel=1e-6)


@pytest.mark.parametrize(
    ("schemes", "seeds", "sure"),
    [(1, 3, False), (1, 4, True), (2, 4, False), (5, 5, True), (6, 5, False), (20, 6, True), (100, 8, True)],
)
def test_a_target_that_every_seed_lost_is_a_regression_where_chance_does_not_do_that(schemes, seeds, sure):
    reached = found(checked(schemes, [True] * seeds, [False] * seeds))
    assert (reached.mark, reached.fails) == ((Mark.WORSE, True) if sure else (Mark.UNCLEAR, False))
    assert (reached.before, reached.now) == (f"{seeds}/{seeds}", f"0/{seeds}")


def test_a_target_that_every_seed_found_is_better():
    assert found(checked(2, [False] * 6, [True] * 6)).mark is Mark.BETTER


@pytest.mark.parametrize(("schemes", "mark"), [(1, Mark.WORSE), (3, Mark.UNCLEAR)])
def test_a_partial_loss_stands_in_line_with_the_metrics(schemes, mark):
    # Fisher's p-value of 8/8 and 1/8 is 7e-4: below 0.5 % of one scheme's four metrics and this, not of three schemes'
    findings = checked(schemes, [True] * 8, [True] + [False] * 7)
    assert found(findings).mark is mark


def test_steps_that_are_all_budget_are_no_surer_than_their_count():
    steps = found(checked(2, [True] * 3, [False] * 3), "steps_to_target")
    assert not steps.fails


def test_data_seeds_of_one_weight_seed_count_once():
    made = cell(np.random.default_rng(0), range(12), 0.5)
    made = made.model_copy(update={"seeds": tuple(index // 4 for index in range(12))})
    reached, _ = counted(made, reaching(made, [False] * 12))
    assert (reached.before.hits, reached.before.seed_hits) == (12, 3)
    assert reached.p_values[0] == pytest.approx(1 / math.comb(6, 3))
    assert reached.chance_of_total == pytest.approx(2**-6)


def test_trials_that_failed_are_counted_on_neither_side():
    made = cell(np.random.default_rng(0), range(4), 0.5)
    lost = made.model_copy(update={"status": ("failed",) * 2 + ("finished",) * 2})
    reached, finished = counted(lost, reaching(made, [True, True, False, False]))
    assert (reached.before.trials, reached.now.trials) == (2, 4)
    assert (finished.before.hits, finished.now.hits) == (2, 4)


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize(("schemes", "seeds"), [(1, 1), (1, 2), (2, 3), (3, 5), (3, 8)])
def test_targets_that_half_of_the_seeds_reach_hardly_ever_fail_a_check(schemes, seeds, paired):
    """At most 0.5 % of the checks may by a count, and as many by a metric: more has to be luck below 0.1 %."""
    checks, alarms = 200, {"count": 0, "metric": 0}
    rng = np.random.default_rng((schemes, seeds, paired))
    for _ in range(checks):
        pairs = [
            tuple(
                reaching(cell(rng, range(first, first + seeds), 0.05), rng.random(seeds) < 0.5, f"scheme{index}")
                for first in (0, 0 if paired else 50)
            )
            for index in range(schemes)
        ]
        failing = [one.what for one in statistical(pairs, 10.0, replace(Tolerance(), margin=0.0)) if one.fails]
        if failing:
            alarms["count" if "reached" in failing else "metric"] += 1
    assert max(alarms.values()) <= stats.binom.isf(0.001, checks, 0.005)
