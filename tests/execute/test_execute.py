"""Running a plan into a folder: what is trained, what is reused, and what happens when a stack fails."""

import json
import platform
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from small_runs import TINY, Planned, assert_same, done, of_kind, tables

from initbench.activations import ACTIVATIONS
from initbench.config import load_text
from initbench.datasets import DatasetError
from initbench.execute import Failed, Finished, Progressed, Resources, Started, execute, schedule, worker
from initbench.records import Records, ResultsFolder


def test_a_run_says_what_it_does_and_leaves_a_row_for_every_trial(planned: Planned) -> None:
    work = planned()
    events = done(work)
    assert events[0] == Started(trials=16, cached=0, stacks=len(work.stacks), workers=1)
    assert len(of_kind(events, Finished)) == len(work.stacks)
    assert sum(event.trials for event in of_kind(events, Finished)) == 16
    assert {event.step for event in of_kind(events, Progressed)} >= {12}
    records = ResultsFolder(work.folder.path).read().records
    assert records.outcomes["id"].tolist() == [trial.id for trial in work.plan.trials]
    assert set(records.outcomes["status"]) == {"finished"}
    assert set(records.curves["id"]) == set(records.layers["id"]) == set(records.outcomes["id"])


def test_a_second_run_trains_nothing_and_changes_nothing(planned: Planned) -> None:
    work = planned()
    done(work)
    before = {path: path.read_bytes() for path in (work.folder.path / "records").rglob("*.parquet")}
    again = planned()
    assert not again.pending
    assert [type(event) for event in done(again)] == [Started]
    assert {path: path.read_bytes() for path in (work.folder.path / "records").rglob("*.parquet")} == before


def test_the_same_experiment_gives_the_same_tables_bit_for_bit(planned: Planned) -> None:
    for folder in ("first", "second"):
        done(planned(folder=folder))
    path = planned().folder.path.parent
    assert_same(tables(path / "first"), tables(path / "second"))


def test_a_stack_whose_files_are_gone_is_trained_again_to_the_last_bit(planned: Planned) -> None:
    work = planned()
    done(work)
    whole = tables(work.folder.path)
    lost = work.stacks[1]
    for path in (work.folder.path / "records").rglob(f"{lost.id}.parquet"):
        path.unlink()
    resumed = planned()
    assert [stack.id for stack in resumed.pending] == [lost.id]
    done(resumed)
    assert_same(tables(work.folder.path), whole)


def test_a_run_that_was_left_in_the_middle_is_taken_up_where_it_stopped(planned: Planned) -> None:
    done(planned(folder="whole"))
    work = planned()
    events = execute(work, Resources(workers=1))
    for event in events:
        if isinstance(event, Finished):
            break
    events.close()
    assert len(planned().done) == len(work.stacks[0].trials)
    done(planned())
    assert_same(tables(work.folder.path), tables(work.folder.path.parent / "whole"))


def test_another_scheme_reuses_what_is_there(planned: Planned) -> None:
    """A stack with one missing trial is trained whole, but only the missing trials are written down."""
    work = planned()
    done(work)
    before = tables(work.folder.path)
    wider = planned("init=he,xavier,lecun")
    assert {trial.init.label for trial in wider.missing} == {"lecun"}
    assert wider.done == frozenset(trial.id for trial in work.plan.trials)
    # Seeds come first within a group, so that batches are shared: every stack of the wider plan has a new trial.
    assert list(wider.pending) == list(wider.stacks)
    finished = of_kind(done(wider), Finished)
    assert sum(event.trials for event in finished) == len(wider.missing) == 8
    after = tables(work.folder.path)
    for name, table in before.items():
        kept = after[name][after[name]["id"].isin(table["id"])]
        ordered = kept.set_index("id").loc[table["id"].unique()].reset_index()
        pd.testing.assert_frame_equal(ordered[table.columns], table, check_exact=True, check_dtype=False)


def test_files_of_one_stack_never_push_out_rows_that_only_they_hold(planned: Planned) -> None:
    """A wider plan's stack holds the new trials alone; losing the older files must not cost those."""
    done(planned())
    old = sorted((planned().folder.path / "records").rglob("*.parquet"))
    done(planned("init=he,xavier,lecun"))
    for path in old:
        path.unlink()
    done(planned("init=he,xavier,lecun"))
    assert not planned("init=he,xavier,lecun").missing


def test_a_scheme_that_raises_fails_its_own_trials_alone(planned: Planned) -> None:
    work = planned("init=he,trouble[only=tanh]")
    events = done(work)
    broken = [stack for stack in work.stacks if stack.trials[0].activation.component_name() == "tanh"]
    assert {event.stack for event in of_kind(events, Failed)} == {stack.id for stack in broken}
    assert {event.reason for event in of_kind(events, Failed)} == {"RuntimeError: no weights today"}
    outcomes = ResultsFolder(work.folder.path).read().records.outcomes.set_index("id")
    assert set(outcomes.index) == {trial.id for trial in work.plan.trials}
    for stack in work.stacks:
        for trial in stack.trials:
            fails = stack in broken and trial.init.component_name() == "trouble"
            assert outcomes.loc[trial.id, "status"] == ("failed" if fails else "finished")
            assert not fails or outcomes.loc[trial.id, "reason"] == "RuntimeError: no weights today"
    log = (work.folder.path / "failures" / f"{broken[0].id}.txt").read_text()
    assert "Traceback" in log
    assert "second line" in log


def test_the_neighbors_of_a_scheme_that_raises_train_as_ever(planned: Planned, tmp_path: Path) -> None:
    """The stack keeps its shape: the other trials' rows are those of a run in which nothing fails, bit for bit."""
    fine = tmp_path / "fine"
    work = planned(f'init=he,trouble[until="{fine}"]')
    done(work)
    beside_trouble = ResultsFolder(work.folder.path).read().records
    fine.touch()
    work.folder.clear()
    done(planned(f'init=he,trouble[until="{fine}"]'))
    undisturbed = ResultsFolder(work.folder.path).read().records
    he = [trial.id for trial in work.plan.trials if trial.init.component_name() == "he"]
    pd.testing.assert_frame_equal(
        beside_trouble.of(he).curves, undisturbed.of(he).curves, check_exact=True, check_dtype=False
    )


def test_a_failed_trial_is_no_result_and_runs_again(planned: Planned, tmp_path: Path) -> None:
    mended = tmp_path / "mended"
    override = f'init=he,trouble[until="{mended}"]'
    work = planned(override)
    assert of_kind(done(work), Failed) != []
    assert {trial.init.component_name() for trial in planned(override).missing} == {"trouble"}
    mended.touch()
    assert of_kind(done(planned(override)), Failed) == []
    outcomes = ResultsFolder(work.folder.path).read().records.outcomes
    assert set(outcomes["status"]) == {"finished"}
    assert outcomes["reason"].isna().all()


def test_a_network_that_raises_in_forward_fails_alone_and_trains_once_it_is_mended(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    done(planned(folder="undisturbed"))

    def raising(*_: object) -> torch.Tensor:
        raise RuntimeError("no forward today")

    with monkeypatch.context() as broken:
        broken.setattr(ACTIVATIONS["tanh"], "__call__", raising)
        work = planned()
        events = done(work)
    hit = {stack.id for stack in work.stacks if stack.trials[0].activation.component_name() == "tanh"}
    assert {event.stack for event in of_kind(events, Failed)} == hit
    assert {event.reason for event in of_kind(events, Failed)} == {"RuntimeError: no forward today"}
    assert {event.stack for event in of_kind(events, Finished)} == {stack.id for stack in work.stacks} - hit
    assert of_kind(done(planned()), Failed) == []
    assert_same(tables(work.folder.path), tables(work.folder.path.parent / "undisturbed"))


def test_a_folder_where_everything_failed_can_be_read(planned: Planned) -> None:
    work = planned("init=trouble")
    done(work)
    records = ResultsFolder(work.folder.path).read().records
    assert set(records.outcomes["status"]) == {"failed"}
    assert len(records.outcomes) == len(work.plan.trials)
    assert len(records.curves) == len(records.layers) == 0


def test_an_experiment_without_probes_can_be_run_and_read(planned: Planned) -> None:
    work = planned("probe=none")
    done(work)
    records = ResultsFolder(work.folder.path).read().records
    assert set(records.outcomes["status"]) == {"finished"}
    assert len(records.layers) == 0


def test_fail_fast_stops_at_the_first_failure(planned: Planned) -> None:
    work = planned("init=trouble")
    events = done(work, fail_fast=True)
    assert len(of_kind(events, Failed)) == 1 < len(work.stacks)
    assert isinstance(events[-1], Failed)


def test_diverged_trials_are_results_and_are_counted(planned: Planned) -> None:
    events = done(planned("init=he,normal[std=1e30]"))
    assert sum(event.diverged for event in of_kind(events, Finished)) == 8
    assert of_kind(events, Failed) == []
    assert not planned("init=he,normal[std=1e30]").missing


def test_trials_that_diverge_all_at_once_leave_tables_that_are_read_again(planned: Planned) -> None:
    """The probe that follows has nobody left to look at."""
    settings = ("init=he", "optimizer.lr=1e6", "probe=[0, 1, 2, 3, 4, 5, 6]")
    work = planned(*settings)
    done(work)
    results = work.folder.read()
    assert results.problems == ()
    assert set(results.records.outcomes["status"]) == {"diverged"}
    assert 0 in set(results.records.layers["step"])
    assert not planned(*settings).missing


def test_data_that_cannot_be_had_costs_the_folder_nothing(planned: Planned) -> None:
    before = planned()
    done(before)
    with pytest.raises(DatasetError):
        done(planned("dataset=mnist"))
    assert before.folder.read().manifest.trials == tuple(before.ids())
    assert not planned().missing


def test_the_resolved_experiment_is_kept_and_plans_the_same_trials(planned: Planned) -> None:
    work = planned("optimizer=adam", "grad_clip=1.0")
    done(work)
    kept = load_text(ResultsFolder(work.folder.path).read().experiment, "kept.yaml")
    again = schedule(kept, work.folder.path, work.data_dir)
    assert kept == work.experiment
    assert not again.missing


def test_provenance_says_what_made_the_numbers(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/somewhere/bin/initbench", "run", "tiny.yaml", "--set", "init=normal[std=1]"])
    work = planned()
    monkeypatch.chdir(work.data_dir)  # no repository
    done(work)
    kept = json.loads((work.folder.path / "provenance.json").read_text())
    assert kept["versions"]["torch"].startswith(torch.__version__.partition("+")[0])
    assert kept["versions"]["python"] == platform.python_version()
    assert kept["command"] == "initbench run tiny.yaml --set 'init=normal[std=1]'"
    assert kept["git_commit"] is None
    assert (kept["device"], kept["workers"], kept["threads"]) == ("cpu", 1, 1)
    assert kept["seconds"] >= 0
    assert kept["started_at"].endswith("+00:00")


def test_the_text_of_a_tiny_experiment_plans_more_than_one_stack() -> None:
    assert load_text(TINY, "tiny.yaml").seeds == (0, 1, 2, 3)


def test_a_worker_of_another_version_cannot_leave_a_gap(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program may be changed while it runs; a spawned worker then computes other ids."""
    train = worker.train

    def renaming(*arguments: Any) -> Records:
        records = train(*arguments)
        return replace(records, outcomes=records.outcomes.assign(id="other"))

    monkeypatch.setattr(worker, "train", renaming)
    work = planned()
    assert of_kind(done(work), Finished) == []
    outcomes = ResultsFolder(work.folder.path).read().records.outcomes
    assert len(outcomes) == len(work.plan.trials)
    assert set(outcomes["status"]) == {"failed"}
