"""Plans of a million trials: counted, shown and estimated without being gone through."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from initbench import costs
from initbench.cli import app
from initbench.cli.preview import MOST_LISTED, Rows, columns
from initbench.cli.watch import Watch
from initbench.config import load_text
from initbench.events import Finished
from initbench.execute import Schedule, Shard, schedule
from initbench.execute.estimate import Arithmetic
from initbench.execute.limits import steps_of
from initbench.plan import Trials
from initbench.records import Records, ResultsFolder

MILLION = """
dataset: {name: synthetic, features: 6, classes: 3, samples: 40, test_samples: 20}
network: {name: mlp, depth: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], width: 8}
optimizer: {name: sgd, lr: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]}
init: [he, xavier, lecun, orthogonal, "normal[std=0.01,0.02,0.05,0.1,0.2,0.5]"]
batch_size: 10
steps: 20
device: cpu
seeds: 1000
"""
SMALL = MILLION.replace("[2, 3, 4, 5, 6, 7, 8, 9, 10, 11]", "[2, 3]").replace("seeds: 1000", "seeds: 4")
SMALL = SMALL.replace("0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, ", "").replace(",0.02,0.05,0.1,0.2,0.5", "")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the trials that are made."""
    count: Counter[str] = Counter()
    make = Trials._at

    def counted(self: Trials, *place: object) -> object:
        count["trials"] += 1
        return make(self, *place)  # type: ignore[arg-type]

    monkeypatch.setattr(Trials, "_at", counted)
    return count


def planned(text: str, folder: Path) -> Schedule:
    return schedule(load_text(text, "x.yaml"), folder / "results", folder)


def holding(work: Schedule, every: int) -> Schedule:
    """The schedule once some of its trials are done, one in so many."""
    return replace(work, done=frozenset(trial.id for trial in work.plan.trials[::every]))


@pytest.mark.parametrize("form", [[], ["--json"]], ids=["text", "json"])
def test_a_dry_run_of_a_million_trials_makes_few_of_them(form: list[str], tmp_path: Path, made: Counter[str]) -> None:
    config = tmp_path / "million.yaml"
    config.write_text(MILLION)
    shown = CliRunner().invoke(app, ["run", str(config), "--dry-run", "--out", str(tmp_path / "results"), *form])
    assert shown.exit_code == 0
    assert 0 < made["trials"] < 3000  # a million would take a minute
    if form:
        found = json.loads(shown.stdout)
        assert (found["trials"], found["missing"], found["stacks"]) == (1_000_000, 1_000_000, 100 * 1250)
        assert (len(found["schemes"]), found["schemes_left_out"]) == (1000, 0)
        assert {row["trials"] for row in found["schemes"]} == {1000}
    else:
        assert "1000000 trials, results in" in shown.stdout
        assert "1000000 to train, 125000 stacks on" in shown.stdout
        assert "and 940 more rows (--json lists them all)" in shown.stdout


def test_the_ids_of_a_plan_are_hashed_once_where_the_folder_holds_records(tmp_path: Path, made: Counter[str]) -> None:
    work = planned(MILLION.replace("seeds: 1000", "seeds: 30"), tmp_path)
    some = {work.plan.trials[index].id for index in range(0, 30_000, 997)}
    made.clear()
    resumed = replace(work, done=frozenset({*some, "of another plan"}))
    assert len(resumed.missing) == 30_000 - len(some)
    assert len(resumed.pending) == len(work.stacks)  # some is less than one in a stack
    assert sum(row.done for row in Rows(resumed)) == len(some)
    assert made["trials"] < 1500


def test_rows_count_what_going_through_all_trials_counts(tmp_path: Path) -> None:
    work = holding(planned(SMALL, tmp_path), every=3)
    for part in (work, replace(work, shard=Shard.parsed("2/3")), replace(work, done=frozenset())):
        names = columns(part)
        trials: Counter[tuple[str, ...]] = Counter()
        done: Counter[tuple[str, ...]] = Counter()
        for trial in part.trials:
            key = tuple(str(trial.columns()[name]) for name in names)
            trials[key] += 1
            done[key] += trial.id in part.done
        assert [(row.cell, row.trials, row.done) for row in Rows(part)] == [
            (key, count, done[key]) for key, count in trials.items()
        ]


def test_more_rows_than_anybody_reads_are_left_out_and_counted(tmp_path: Path) -> None:
    config = tmp_path / "wide.yaml"
    rates = ", ".join(str(index / 10_000) for index in range(1, 1201))
    config.write_text(MILLION.replace("[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]", f"[{rates}]"))
    run = ["run", str(config), "--dry-run", "--out", str(tmp_path / "results"), "--set", "seeds=1"]
    rows = 10 * 1200 * 10
    assert f"and {rows - 60} more rows (--json lists {MOST_LISTED})" in CliRunner().invoke(app, run).stdout
    found = json.loads(CliRunner().invoke(app, [*run, "--json"]).stdout)
    assert (len(found["schemes"]), found["schemes_left_out"]) == (MOST_LISTED, rows - MOST_LISTED)


@pytest.mark.parametrize("every", [0, 1, 5])
def test_the_time_of_a_run_is_the_sum_over_its_pending_stacks(every: int, tmp_path: Path) -> None:
    work = planned(SMALL + "epochs: null\n", tmp_path)
    work = holding(work, every) if every else work
    if every == 1:
        assert not work.pending
        return
    took = []
    for stack in work.pending:
        trial = stack.trials[0]
        spec = trial.dataset.spec(tmp_path)
        size = trial.network.size(spec.input_shape, spec.outputs, trial.activation)
        members = len(work.plan.trials) / len(work.stacks)  # groups are alike, and so are stacks but for one trial
        took.append(steps_of(trial, spec) * costs.update_seconds(size, 10, members))
    assert Arithmetic(work).seconds(workers=1) == pytest.approx(sum(took))
    assert Arithmetic(work).seconds(workers=10**6) == pytest.approx(max(took))


def test_stacks_are_named_as_they_come_and_not_before(tmp_path: Path, made: Counter[str]) -> None:
    work = planned(MILLION, tmp_path)
    third = next(islice(work.pending, 2, None))
    made.clear()
    watch = Watch(work)
    assert watch.named(Finished(third.id, 8, 0)).stack.startswith("stack 3/125000 (")
    assert made["trials"] < 100


def test_a_folder_of_many_stacks_is_read_as_one_table(tmp_path: Path) -> None:
    """An option that one scheme lacks, or that is a text in one and a number in another, is no obstacle."""
    folder = ResultsFolder(tmp_path)
    folder.create()
    options = {"a": {"init.x": 1}, "b": {"init.x": 0.5}, "c": {"init.x": "wide"}, "d": {}, "e": {"init.x": True}}
    for seed, (trial, option) in enumerate(options.items()):
        row = {"id": trial, "status": "finished", "init": "he", "seed": seed, "data_seed": seed, **option}
        curve = {"id": trial, "step": 10, "train_loss": 1.0, "learning_rate": 0.1}
        layer = {"id": trial, "step": 0, "layer": 1, "name": "output"}
        folder.append(trial, Records(*(pd.DataFrame([one]) for one in (row, curve, layer))))
    (tmp_path / "manifest.json").write_text(
        json.dumps({"schema": 1, "name": "x", "trials": [*"edcba"], "axes": ["init"], "target_metric": "train_loss",
                    "target_value": 0.5})
    )  # fmt: skip
    found = folder.read()
    assert not found.problems
    assert found.records.outcomes["id"].tolist() == [*"edcba"]
    assert found.records.outcomes["init.x"].fillna("none").tolist() == [True, "none", "wide", 0.5, 1]
