"""Two results folders side by side: what becomes of their trials, axes and targets."""

from dataclasses import replace

import pytest
from synthetic_results import Trial, folder, results
from typer.testing import CliRunner

from initbench.analysis import analyze
from initbench.cli import app
from initbench.report import beside, searches, sweeps

HE = [Trial("he", seed, (2.0, 0.5, 0.3)) for seed in range(2)]
SLOWER = [Trial("he", seed, (2.0, 1.0, 0.5)) for seed in range(2)]


def named(path, *trials, **options):
    return replace(results(*trials, **options), path=path)


def test_a_trial_in_both_folders_counts_in_each(tmp_path):
    comparison = analyze(beside(named(tmp_path / "before", *HE), named(tmp_path / "after", *SLOWER)))
    assert comparison.axes == ("init", "folder")
    assert comparison.schemes[["folder", "init", "trials"]].to_numpy().tolist() == [
        ["before", "he", 2],
        ["after", "he", 2],
    ]
    assert comparison.schemes["steps_to_target_median"].tolist() == [20, 30]
    assert comparison.notes == ()


def test_axes_of_either_are_axes_of_both(tmp_path):
    deep = [Trial("he", 0, (2.0, 0.4), at={"network.width": depth}) for depth in (5, 30)]
    swept = named(tmp_path / "swept", *deep, axes=("init", "network.width"))
    found = analyze(beside(named(tmp_path / "plain", *HE), swept))
    assert found.axes == ("init", "network.width", "folder")
    assert found.schemes["folder"].tolist() == ["plain", "swept", "swept"]


def test_targets_that_differ_are_named(tmp_path):
    other = named(tmp_path / "b", *HE, target=("train_loss", 1.0))
    found = beside(named(tmp_path / "a", *HE), other)
    assert found.problems == ("the targets differ (a: train loss 0.5; b: train loss 1); both are judged by the first",)
    assert found.manifest.target_value == 0.5


def test_every_setting_that_differs_is_named(tmp_path):
    same = {"batch_size": 50, "optimizer": "sgd"}
    one = same | {"network": "mlp[depth=30]", "network.depth": 30, "epochs": 5, "schedule": "constant"}
    other = same | {"network": "mlp", "network.depth": 8, "epochs": 1, "schedule": "cosine", "schedule.final": 0.1}
    deep = [Trial("he", seed, (2.0, 0.4), at=one | {"optimizer.lr": 0.01}) for seed in range(3)]
    shallow = [Trial("he", seed, (2.0,), at=other | {"optimizer.lr": lr}) for seed in range(2) for lr in (0.1, 0.01)]
    assert beside(named(tmp_path / "a", *deep), named(tmp_path / "b", *shallow)).problems == (
        "schedule differs (a: constant; b: cosine)",
        "depth differs (a: 30; b: 8)",
        "lr differs (a: 0.01; b: 0.01, 0.1)",
        "final differs (a: none; b: 0.1)",
        "epochs differs (a: 5; b: 1)",
        "the number of seeds differs (a: 3; b: 2)",
    )


def arriving(init, rates, steps, seeds):
    return [
        Trial(init, seed, [0.4 if 10 * row >= step else 2.0 for row in range(1, 11)], at={"optimizer.lr": rate})
        for rate, step in zip(rates, steps, strict=True)
        for seed in seeds
    ]


def test_only_a_folder_with_several_rates_has_best_ones_over_its_own_rates_and_seeds(tmp_path):
    single = [*arriving("he", [0.01], [60], range(6)), *arriving("xavier", [0.01], [80], range(6))]
    tried = 0.001, 0.01, 0.1
    swept = [*arriving("he", tried, [70, 20, 40], (6, 7)), *arriving("xavier", tried, [80, 30, 40], (6, 7))]
    swept += [*arriving("he", [0.01], [20], range(6)), *arriving("xavier", [0.01], [30], range(6))]
    searched = named(tmp_path / "searched", *swept, axes=("init", "optimizer.lr"))
    searched = replace(searched, manifest=replace(searched.manifest, selection_seeds=(6, 7)))
    found = analyze(beside(named(tmp_path / "single", *single), searched)).rates
    alone = analyze(searched).rates
    assert found.best["folder"].tolist() == ["searched", "searched"]
    assert found.best.drop(columns="folder").equals(alone.best)
    assert found.best["edge"].tolist() == ["", ""]
    assert found.selection_seeds == alone.selection_seeds == (6, 7)
    assert found.claims[0] == (
        "At searched, each at its own best learning rate (he 0.01, xavier 0.01; chosen on 2 other seeds):"
    )
    assert not any("single" in claim or "tried; a wider" in claim for claim in found.claims)


def test_each_of_two_searched_folders_keeps_its_own_selection_seeds(tmp_path):
    made = []
    for name, chooses in (("first", (0,)), ("second", (4, 5))):
        trials = [*arriving("he", (0.01, 0.1), (20, 60), range(6))]
        one = named(tmp_path / name, *trials, axes=("init", "optimizer.lr"))
        made.append(replace(one, manifest=replace(one.manifest, selection_seeds=chooses)))
    comparison = analyze(beside(*made))
    assert "averaged over the run, on 1 or 2 seeds that" in searches.best_rates(comparison).caption
    best = comparison.rates.best
    assert best[["folder", "seeds", "selection_seeds"]].to_numpy().tolist() == [["first", 5, 1], ["second", 4, 2]]


def test_folders_of_one_name_go_by_their_paths(tmp_path):
    found = beside(named(tmp_path / "x" / "run", *HE), named(tmp_path / "y" / "run", *HE))
    assert set(found.records.outcomes["folder"]) == {str(tmp_path / "x" / "run"), str(tmp_path / "y" / "run")}
    assert found.path == tmp_path / "x" / "run_beside_run"


@pytest.mark.filterwarnings("error")
def test_the_report_of_two_folders_lies_next_to_the_first(tmp_path):
    folder(tmp_path / "before", HE)
    folder(tmp_path / "after", SLOWER)
    done = CliRunner().invoke(app, ["report", str(tmp_path / "before"), str(tmp_path / "after")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "before_beside_after" / "report.html").read_text()
    assert "before beside after" in page
    assert "Side by side" in page
    assert "Run it again" not in page
    assert not (tmp_path / "before" / "report.html").exists()


def test_each_folder_has_its_own_verdict_by_its_name(tmp_path):
    slower = [Trial("lecun", seed, (2.0, 1.0, 0.5)) for seed in range(2)]
    first = named(tmp_path / "before", *HE, *slower)
    found = analyze(beside(first, named(tmp_path / "after", *SLOWER, *slower)))
    assert found.sentence.startswith("In before: he was first to train loss 0.5, at a median of 20 of 30 steps")
    assert "In after: he and lecun reached train loss 0.5 together" in found.sentence
    assert [claim.partition(":")[0] for claim in found.claims] == ["In before", "In after"]
    assert sweeps.settings(found).title == "before beside after: steps to train loss 0.5"
