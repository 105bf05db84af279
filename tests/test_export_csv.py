"""CSV: what pandas reads back is what the records hold."""

import exported
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from typer.testing import CliRunner

from initbench import records
from initbench.cli import app


@pytest.fixture
def folder(tmp_path):
    return exported.folder(tmp_path / "run")


def export(folder, *arguments):
    return CliRunner().invoke(app, ["export", str(folder), "--to", "csv", *arguments])


@pytest.mark.parametrize("table", ["outcomes", "curves", "layers"])
def test_every_column_of_the_records_is_read_back_as_it_was(folder, table):
    assert export(folder).exit_code == 0
    expected = getattr(records.read(folder).records, table)
    found = pd.read_csv(folder / "csv" / f"{table}.csv")[list(expected.columns)]
    assert_frame_equal(found, expected, check_dtype=False, check_exact=True)


@pytest.mark.parametrize("table", ["curves", "layers"])
def test_every_row_says_which_trial_it_belongs_to(folder, table):
    assert export(folder).exit_code == 0
    found = pd.read_csv(folder / "csv" / f"{table}.csv")
    assert list(found.columns[:5]) == ["id", "init", "network.depth", "seed", "data_seed"]
    assert not found[["init", "network.depth", "seed"]].isna().any().any()
    alone = found[(found["init"] == "he") & (found["network.depth"] == 10) & (found["seed"] == 1)]
    assert set(alone["id"]) == {"he-1-10"}


def test_outcomes_tell_when_the_target_was_reached_and_why_not(folder):
    assert export(folder).exit_code == 0
    found = pd.read_csv(folder / "csv" / "outcomes.csv").set_index("id")
    assert found.loc["he-0-3", ["steps_to_target", "state"]].tolist() == [30, "converged"]
    assert found.loc["normal[std=0.01]-0-10", ["steps_to_target", "state"]].tolist() == [float("inf"), "diverged"]
    assert found.loc["normal[std=0.01]-1-10", "evidence"] == "RuntimeError: out of luck"


def test_tables_go_where_they_are_sent_and_a_second_export_replaces_them(folder, tmp_path):
    assert export(folder, "--out", str(tmp_path / "here")).exit_code == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()}
    assert export(folder, "--out", str(tmp_path / "here")).exit_code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "here").iterdir()} == first
    assert set(first) == {"outcomes.csv", "curves.csv", "layers.csv"}
    assert not (folder / "csv").exists()
