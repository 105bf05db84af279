"""Records: what is written comes back, and what a killed or damaged run leaves behind is never taken for a result."""

import json
import math
import stat
import subprocess
import sys

import pandas as pd
import pytest
from synthetic_results import Trial, folder, manifest, records

from initbench.records import TABLES, Manifest, RecordsError, ResultsFolder, read, write_bytes, write_text

HE = [Trial("he", seed, (2.0, 1.0, 0.4)) for seed in range(2)]
XAVIER = [Trial("xavier", seed, (2.3, 2.2, 2.1)) for seed in range(2)]


def test_results_come_back_as_they_were_written(tmp_path):
    results = folder(tmp_path, HE, XAVIER).read()
    written = records([*HE, *XAVIER])
    for name in TABLES:
        found, expected = (getattr(tables, name).fillna(math.nan) for tables in (results.records, written))
        pd.testing.assert_frame_equal(found, expected, check_dtype=False)
    assert results.manifest == manifest(*HE, *XAVIER)
    assert results.experiment == "name: demo\n"
    assert results.provenance == {"initbench": "0.1.0"}
    assert results.problems == ()


def test_rows_come_in_the_order_of_the_plan_whatever_the_order_of_finishing(tmp_path):
    made = folder(tmp_path, XAVIER, HE)
    made.write_manifest(manifest(*HE, *XAVIER))
    assert list(made.read().records.outcomes["id"]) == ["he-0", "he-1", "xavier-0", "xavier-1"]
    assert list(made.read().records.curves["step"].head(4)) == [0, 10, 20, 30]


def test_trials_of_another_experiment_stay_in_the_cache_but_out_of_the_results(tmp_path):
    made = folder(tmp_path, HE, XAVIER)
    made.write_manifest(manifest(*HE))
    assert set(made.read().records.outcomes["init"]) == {"he"}
    assert made.finished() == {"he-0", "he-1", "xavier-0", "xavier-1"}


def test_a_stack_killed_before_its_outcomes_does_not_count(tmp_path):
    made = folder(tmp_path, HE, XAVIER)
    (tmp_path / "records" / "outcomes" / "stack1.parquet").unlink()
    results = made.read()
    for name in TABLES:
        assert set(getattr(results.records, name)["id"]) == {"he-0", "he-1"}
    assert made.finished() == {"he-0", "he-1"}


def test_the_rows_of_a_trial_come_from_the_stack_that_its_outcome_came_from(tmp_path):
    failed = Trial("he", 0, (9.0, 9.0, 9.0), status="failed", reason="worker died")
    made = folder(tmp_path, [failed], [HE[0]])
    assert list(made.read().records.curves["train_loss"].dropna()) == [2.0, 1.0, 0.4]


def test_a_failed_trial_is_reported_and_not_cached(tmp_path):
    made = folder(tmp_path, [HE[0], Trial("he", 1, status="failed", reason="worker died")])
    assert made.finished() == {"he-0"}
    assert list(made.read().records.outcomes["reason"].fillna("")) == ["", "worker died"]


def test_a_result_wins_over_an_earlier_failure_of_the_same_trial(tmp_path):
    made = folder(tmp_path, [Trial("he", 0, status="failed", reason="worker died")], [HE[0]])
    assert list(made.read().records.outcomes["status"]) == ["finished"]
    assert made.finished() == {"he-0"}


def test_a_trial_recorded_twice_is_read_once(tmp_path):
    results = folder(tmp_path, HE, HE).read()
    assert list(results.records.outcomes["id"]) == ["he-0", "he-1"]
    assert not results.records.curves.duplicated(["id", "step"]).any()
    assert not results.records.layers.duplicated(["id", "step", "layer"]).any()


@pytest.mark.parametrize("table", TABLES)
def test_a_corrupt_file_is_named_and_left_alone(tmp_path, table):
    made = folder(tmp_path, HE, XAVIER)
    broken = tmp_path / "records" / table / "stack1.parquet"
    broken.write_bytes(b"PAR1 nothing of use")
    results = made.read()
    assert len(results.problems) == 1
    assert str(broken) in results.problems[0]
    assert set(getattr(results.records, table)["id"]) == {"he-0", "he-1"}
    assert broken.read_bytes() == b"PAR1 nothing of use"


def test_a_truncated_file_is_named_and_its_trials_run_again(tmp_path):
    made = folder(tmp_path, HE, XAVIER)
    cut = tmp_path / "records" / "outcomes" / "stack0.parquet"
    cut.write_bytes(cut.read_bytes()[:-20])
    assert made.finished() == {"xavier-0", "xavier-1"}
    assert str(cut) in made.read().problems[0]


def test_an_experiment_of_which_nothing_has_run_is_empty_not_an_error(tmp_path):
    made = folder(tmp_path)
    made.write_manifest(manifest(*HE))
    assert made.finished() == frozenset()
    assert all(getattr(made.read().records, name).empty for name in TABLES)


def test_a_stack_of_failed_trials_alone_is_read(tmp_path):
    results = folder(tmp_path, [Trial("he", 0, status="failed", reason="worker died")]).read()
    assert list(results.records.outcomes["reason"]) == ["worker died"]
    assert results.records.curves.empty


def test_clearing_forgets_records_and_spares_other_files(tmp_path):
    made = folder(tmp_path, HE)
    (tmp_path / "records" / "curves" / "notes.txt").write_text("mine")
    made.clear()
    assert made.finished() == frozenset()
    assert (tmp_path / "records" / "curves" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"schema": 1, "name": "demo"}', "is damaged"),
        ('{"schema": 99}', "newer initbench"),
    ],
)
def test_a_bad_manifest_is_explained(tmp_path, text, complaint):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RecordsError, match=complaint):
        read(tmp_path)


def test_a_folder_without_manifest_and_no_folder_at_all_are_explained(tmp_path):
    with pytest.raises(RecordsError, match="not a results folder"):
        read(tmp_path)
    with pytest.raises(RecordsError, match="there is no folder"):
        read(tmp_path / "absent")


def test_damaged_provenance_is_a_problem_not_a_crash(tmp_path):
    made = folder(tmp_path, HE)
    (tmp_path / "provenance.json").write_text("{")
    results = made.read()
    assert results.provenance == {}
    assert "provenance.json: unreadable" in results.problems[0]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordsError, match=r"cannot write results to .*file"):
        ResultsFolder(tmp_path / "file").create()
    with pytest.raises(RecordsError, match=r"cannot write .*file/deeper"):
        write_text(tmp_path / "file" / "deeper", "text")


def test_writing_replaces_the_file_whole_and_leaves_nothing_beside_it(tmp_path):
    path = tmp_path / "page.txt"
    write_text(path, "old")
    with pytest.raises(TypeError):
        write_bytes(path, object())
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_written_files_have_the_permissions_of_any_other_file(tmp_path):
    write_text(tmp_path / "ours", "text")
    (tmp_path / "any").write_text("text")
    ours, others = ((tmp_path / name).stat().st_mode for name in ("ours", "any"))
    assert stat.S_IMODE(ours) == stat.S_IMODE(others)


def test_a_manifest_survives_the_round_trip_through_json(tmp_path):
    original = Manifest("sweep", ("a", "b"), ("init", "network.depth"), "test_accuracy", 0.95)
    ResultsFolder(tmp_path).write_manifest(original)
    assert json.loads((tmp_path / "manifest.json").read_text())["schema"] == 1
    assert read(tmp_path).manifest == original


def test_reading_and_reporting_need_no_torch():
    code = (
        "import sys, initbench.records, initbench.analysis, initbench.report; "
        "print([name for name in ('torch', 'matplotlib.pyplot') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_parts_written_with_different_columns_are_read_together(tmp_path):
    made = folder(tmp_path, [HE[0]], [Trial("he", 1, (2.0, 1.0), at={"init.gain": 1.5})])
    gains = made.read().records.outcomes["init.gain"]
    assert gains.isna().tolist() == [True, False]
