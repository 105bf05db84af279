"""Two results folders side by side: what becomes of their trials, axes and targets."""

from dataclasses import replace

import pytest
from synthetic_results import Trial, folder, results
from typer.testing import CliRunner

from initbench.analysis import analyze
from initbench.cli import app
from initbench.report import beside, sweeps

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
