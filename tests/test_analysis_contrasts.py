"""Contrasts and the sentences on them: ratios, bounds and pairing against values worked out by hand."""

import math
from itertools import product

import pytest
from synthetic_results import Trial, results

from initbench.analysis import analyze
from initbench.errors import InitbenchError


def reaching(init, *steps, first=0, planned=100, **at):
    """Trials of consecutive seeds that reach the target at the given steps; None: never, within ``planned`` steps."""
    made = []
    for seed, step in enumerate(steps, start=first):
        losses = [0.4 if step is not None and 10 * row >= step else 1.0 for row in range(1, planned // 10 + 1)]
        made.append(Trial(init, seed, losses, at=at))
    return made


def rows(*trials, reference=None, **options):
    table = analyze(results(*trials, **options), reference).contrasts
    return table[table["metric"] == "steps_to_target"].set_index("init")


def claims(*trials, reference=None, **options):
    return analyze(results(*trials, **options), reference).claims


HE = reaching("he", 20, 30, 20, 40, 20, 30)
XAVIER = reaching("xavier", 60, 60, 50, 80, 100, 60)


def test_the_ratio_is_the_geometric_mean_of_paired_ratios():
    row = rows(*XAVIER, *HE).loc["he"]
    ratios = [20 / 60, 30 / 60, 20 / 50, 40 / 80, 20 / 100, 30 / 60]
    assert row["estimate"] == pytest.approx(math.prod(ratios) ** (1 / 6))
    assert (row["low"], row["high"]) == pytest.approx((min(ratios), max(ratios)))  # six pairs: see signflip
    assert (row["p"], row["p_holm"], row["decision"]) == (2 / 64, 2 / 64, "shown")


def test_the_faster_scheme_is_the_subject_whichever_is_the_reference():
    said = "he reached train loss 0.5 in 0.39× the steps of xavier (95 % CI 0.20 to 0.50, 6 paired seeds)."
    assert claims(*HE, *XAVIER) == (said,)
    assert claims(*HE, *XAVIER, reference="xavier") == (said,)


def test_pairs_are_matched_by_seed_not_by_position():
    shuffled = [XAVIER[i] for i in (3, 1, 5, 0, 2, 4)]
    assert rows(*HE, *shuffled).loc["xavier"].equals(rows(*HE, *XAVIER).loc["xavier"])


def test_only_seeds_of_both_schemes_make_pairs():
    assert rows(*HE, *reaching("xavier", 60, 60, 60, first=4)).loc["xavier", "pairs"] == 2
    apart = claims(*HE, *reaching("xavier", 60, first=50))
    assert apart == ("xavier and he have no measured seed in common.",)


def test_five_seeds_are_too_few_to_say_however_large_the_difference():
    assert claims(*HE[:5], *XAVIER[:5]) == (
        "he reached train loss 0.5 in 0.37× the steps of xavier (0.20 to 0.50 over 5 paired seeds); "
        "too few seeds to say, 6 can decide.",
    )


def test_seeds_that_suffice_for_two_schemes_may_be_too_few_for_three():
    table = rows(*HE, *XAVIER, *reaching("lecun", 70, 70, 70, 90, 90, 70))
    assert table["p_holm"].tolist() == [4 / 64, 4 / 64]
    assert table["decision"].tolist() == ["too few seeds"] * 2
    assert table["needed"].tolist() == [7, 7]


def test_one_pair_says_so():
    assert claims(HE[0], XAVIER[0]) == (
        "he reached train loss 0.5 in 0.33× the steps of xavier (1 paired seed); too few seeds to say, 6 can decide.",
    )


def test_a_difference_that_may_be_chance_is_not_claimed():
    mixed = reaching("xavier", 30, 20, 20, 30, 20, 40)
    assert claims(*HE, *mixed) == (
        "xavier and he do not differ beyond chance in steps to train loss 0.5: 1.0× "
        "(95 % CI 0.67 to 1.5, 6 paired seeds).",
    )


def test_what_passes_alone_and_not_after_correction_says_so():
    # Six of seven pairs are faster by more than the last is slower: 4 of 128 flips are as extreme.
    he, other = reaching("he", *[30] * 7), reaching("other", *[20] * 6, 40)
    third = reaching("third", 30, 40, 30, 20, 30, 20, 30)
    found = rows(*he, *other, *third).loc["other"]
    assert (found["p"], found["p_holm"]) == (4 / 128, 8 / 128)
    assert claims(*he, *other, *third)[0].endswith("7 paired seeds); corrected for 2 comparisons, p = 0.062.")


def test_a_reference_that_never_reached_makes_the_ratio_an_upper_bound():
    row = rows(*reaching("xavier", *[None] * 6), *HE).loc["he"]
    ratios = [20 / 100, 30 / 100, 20 / 100, 40 / 100, 20 / 100, 30 / 100]
    assert row["bound"] == "at most"
    assert row["estimate"] == pytest.approx(math.prod(ratios) ** (1 / 6))


def test_where_one_side_never_reached_the_target_the_final_metric_judges():
    # he arrives at the last steps of six seeds: a ratio of steps, the misses counted as the budget, would be 0.97
    he = reaching("he", 90, 100, 100, None, 100, 100, 90)
    never = reaching("never", *[None] * 7)
    said = "he reached train loss 0.5 in 6 of 7 seeds, never in none; final train loss of {}"
    assert claims(*he, *never) == (said.format("never: +0.51 against he (95 % CI +0.30 to +0.60, 7 paired seeds)."),)
    assert claims(*never, *he) == (said.format("he: −0.51 against never (95 % CI −0.60 to −0.30, 7 paired seeds)."),)
    steps = rows(*he, *never).loc["never"]
    assert (steps["missed"], steps["reference_missed"], steps["decision"]) == (7, 1, "nothing to compare")
    assert math.isnan(steps["p"])


def test_where_the_two_never_reached_the_target_for_the_same_seed_the_final_metric_judges():
    he, xavier = reaching("he", 20, 20, 20, 20, None, None), reaching("xavier", None, None, None, None, 20, 20)
    assert claims(*he, *xavier) == (
        "he reached train loss 0.5 in 4 of 6 seeds, xavier in 2, never for the same; their final train loss does not "
        "differ beyond chance: xavier +0.20 against he (95 % CI −0.60 to +0.60, 6 paired seeds).",
    )


def test_which_metric_judges_is_the_same_for_either_side_of_every_pair():
    he = [20, 30, None, None, None, 90]
    xavier = [None, None, 40, None, 50, None]
    for flips in product((False, True), repeat=6):
        sides = [(b, a) if flip else (a, b) for a, b, flip in zip(he, xavier, flips, strict=True)]
        row = rows(*reaching("he", *[a for a, _ in sides]), *reaching("xavier", *[b for _, b in sides])).loc["xavier"]
        assert row["decision"] == "nothing to compare"


def test_steps_judge_where_one_side_diverged_and_has_no_final_metric():
    wild = [Trial("wild", seed, (9.0, math.inf), status="diverged", planned=100) for seed in range(6)]
    assert claims(*HE, *wild) == (
        "he reached train loss 0.5 in at most 0.26× the steps of wild, which never did "
        "(95 % CI up to 0.40, 6 paired seeds).",
    )


def test_contrasts_judged_by_steps_and_by_the_final_metric_are_corrected_as_one_family():
    third = reaching("third", 60, 60, 50, 80, 100, 60, 60)
    trials = [*reaching("he", 20, 30, 20, 40, 20, 30, 20), *third, *reaching("never", *[None] * 7)]
    table = analyze(results(*trials)).contrasts.set_index(["init", "metric"])
    judged = table.loc[[("third", "steps_to_target"), ("never", "final_train_loss")]]
    assert judged["p"].tolist() == [2 / 128, 2 / 128]
    assert judged["p_holm"].tolist() == [4 / 128, 4 / 128]
    assert judged["comparisons"].tolist() == [2, 2]


def test_a_miss_of_the_scheme_makes_the_ratio_a_lower_bound():
    some = reaching("xavier", 60, 60, 50, 80, None, 60)
    assert rows(*HE, *some).loc["xavier", "bound"] == "at least"
    assert ", which missed it in 1 of 6 (95 % CI up to 0.50, 6 paired seeds)." in claims(*HE, *some)[0]


def test_a_difference_that_is_not_shown_says_how_its_misses_count():
    seldom = reaching("seldom", 30, None, 20, 20, 20, 20)
    assert claims(*HE, *seldom) == (
        "he and seldom do not differ beyond chance in steps to train loss 0.5: at most 0.92× "
        "(95 % CI up to 2.0, 6 paired seeds, a miss counting its whole budget).",
    )


def test_misses_on_both_sides_are_no_bound_and_are_counted():
    row = rows(*reaching("he", 20, None, 20, 20, 20, 20), *reaching("xavier", 50, 50, None, 50, 50, 50)).loc["xavier"]
    assert row["bound"] == "within the budget"
    assert row["estimate"] == pytest.approx((2.5**4 * 0.5 * 5) ** (1 / 6))


def test_when_neither_reaches_the_target_the_final_metric_is_compared():
    he = [Trial("he", seed, (2.0, 1.0 + seed / 100)) for seed in range(6)]
    xavier = [Trial("xavier", seed, (2.0, 1.5 + seed / 50)) for seed in range(6)]
    assert claims(*he, *xavier) == (
        "Neither xavier nor he reached train loss 0.5; final train loss of xavier: +0.53 against he "
        "(95 % CI +0.50 to +0.55, 6 paired seeds).",
    )


@pytest.mark.parametrize("last", [math.inf, 1e13])
def test_the_loss_of_a_diverged_trial_is_neither_averaged_nor_replaced(last):
    he = [Trial("he", seed, (2.0, 1.0), planned=20) for seed in range(3)]
    wild = [Trial("wild", seed, (2.0, 1.5), planned=20) for seed in range(2)]
    wild.append(Trial("wild", 2, (9.0, last), status="diverged", planned=20))
    table = analyze(results(*he, *wild)).contrasts.set_index("metric")
    assert table.loc["final_train_loss", ["pairs", "estimate"]].tolist() == [2, 0.5]


def test_a_failed_trial_makes_no_pair():
    broken = [*XAVIER[:5], Trial("xavier", 5, status="failed", reason="killed", planned=100)]
    assert rows(*HE, *broken).loc["xavier", "pairs"] == 5


def test_crossed_data_seeds_are_averaged_before_they_count():
    def crossed(init, steps):
        return [t for data in range(2) for t in reaching(init, *steps[data], data_seed=data)]

    he = crossed("he", [(20, 20, 20), (40, 40, 40)])
    xavier = crossed("xavier", [(40, 40, 40), (40, 40, 40)])
    row = rows(*he, *xavier).loc["xavier"]
    assert (row["pairs"], row["runs"]) == (3, 6)
    assert row["estimate"] == pytest.approx(math.sqrt(2))


def test_contrasts_stay_within_a_setting():
    trials = [
        *reaching("he", 20, 20, **{"network.depth": 5}),
        *reaching("xavier", 40, 40, **{"network.depth": 5}),
        *reaching("he", 50, 50, **{"network.depth": 30}),
        *reaching("xavier", 60, 60, **{"network.depth": 30}),
    ]
    found = analyze(results(*trials, axes=("init", "network.depth")))
    steps = found.contrasts[found.contrasts["metric"] == "steps_to_target"]
    assert steps[["network.depth", "estimate"]].to_numpy().tolist() == [[5, pytest.approx(2)], [30, pytest.approx(1.2)]]
    assert found.claims[0].startswith("At depth=5: he reached train loss 0.5 in 0.50× the steps of xavier")


@pytest.mark.parametrize("asked", ["hee", "normal"])
def test_a_reference_that_no_scheme_or_more_than_one_answers_to_is_refused(asked):
    many = [HE[0], Trial("normal[std=0.1]", 0, (1.0, 0.4)), Trial("normal[std=1.0]", 0, (1.0, 0.4))]
    schemes = r"he, normal\[std=0.1\] and normal\[std=1.0\]"
    with pytest.raises(InitbenchError, match=f"found the reference {asked}, expected one of the schemes {schemes}"):
        analyze(results(*many), asked)


def test_a_reference_may_be_called_by_its_bare_name():
    assert analyze(results(*HE, Trial("normal[std=0.1]", 0, (1.0, 0.4))), "normal").reference == "normal[std=0.1]"


def test_one_scheme_has_nothing_to_be_held_against():
    found = analyze(results(*HE))
    assert found.reference == "he"
    assert found.contrasts.empty
    assert found.claims == ()
