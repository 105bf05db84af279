"""Old results folders stay readable: one of every schema version is stored, and each is read and reported."""

import re
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from initbench.cli import app
from initbench.records import SCHEMA_VERSION, TABLES, RecordsError, ResultsFolder, read, table_file

STORED = Path(__file__).parent / "fixtures" / "results"
FOLDERS = sorted(STORED.iterdir())


def test_a_folder_of_every_schema_version_is_stored():
    """Who raises the version stores a folder of the new one: trials that finished, diverged and failed."""
    versions = {int(re.fullmatch(r"schema-(\d+)", folder.name)[1]) for folder in FOLDERS}
    assert versions == set(range(1, SCHEMA_VERSION + 1))


@pytest.mark.parametrize("stored", FOLDERS, ids=lambda folder: folder.name)
def test_a_stored_folder_is_read_whole(stored):
    results = read(stored)
    assert results.problems == ()
    assert set(results.records.outcomes["status"]) == {"finished", "diverged", "failed"}
    trained = results.records.outcomes.query("status != 'failed'")
    assert len(results.records.outcomes) == len(results.manifest.trials) == 12
    assert set(results.records.curves["id"]) == set(results.records.layers["id"]) == set(trained["id"])
    assert ResultsFolder(stored).finished() == set(trained["id"])
    assert results.provenance["versions"]["initbench"]
    assert "init:" in results.experiment


@pytest.mark.parametrize("stored", FOLDERS, ids=lambda folder: folder.name)
def test_a_stored_folder_is_reported(stored, tmp_path, monkeypatch):
    monkeypatch.setattr("initbench.report.figures.draw", lambda _comparison: {})
    copy = shutil.copytree(stored, tmp_path / stored.name)
    result = CliRunner().invoke(app, ["report", str(copy)])
    assert result.exit_code == 0, result.output
    assert "diverged" in (copy / "report.md").read_text()


@pytest.mark.parametrize("table", TABLES)
def test_every_table_carries_the_version_that_wrote_it(table):
    for stored in FOLDERS:
        for path in (stored / "records" / table).iterdir():
            assert (
                pq.read_metadata(path).metadata[table_file.VERSION_KEY] == stored.name.removeprefix("schema-").encode()
            )


def test_tables_of_a_newer_version_are_named_and_left_alone(tmp_path, monkeypatch):
    copy = shutil.copytree(FOLDERS[-1], tmp_path / "newer")
    path = next((copy / "records" / "outcomes").iterdir())
    rows = table_file.read(path, "outcomes")
    with monkeypatch.context() as later:
        later.setattr(table_file, "SCHEMA_VERSION", SCHEMA_VERSION + 1)
        table_file.write(path, rows)
    written = path.read_bytes()
    (problem,) = read(copy).problems
    assert f"{path}: written by a newer initbench (schema {SCHEMA_VERSION + 1}), left alone; upgrade" in problem
    assert not ResultsFolder(copy).finished() & set(rows["id"])
    ResultsFolder(copy).clear()
    assert path.read_bytes() == written


def test_a_manifest_of_a_newer_version_is_neither_read_nor_written_over(tmp_path):
    (tmp_path / "manifest.json").write_text('{"schema": 99}')
    for use in (ResultsFolder(tmp_path).read, ResultsFolder(tmp_path).create):
        with pytest.raises(RecordsError, match=r"newer initbench \(schema 99\); upgrade"):
            use()
    assert (tmp_path / "manifest.json").read_text() == '{"schema": 99}'
