"""Full disks, and folders that cannot be written: what was finished is kept, and the message says what to do."""

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from commands import start
from typer.testing import CliRunner

from initbench import report
from initbench.cli import app
from initbench.config import load_text
from initbench.execute import Resources, execute, schedule
from initbench.records import RecordsError, ResultsFolder, files

CONFIG = """\
name: small
dataset: {name: synthetic, features: 6, classes: 3, samples: 40, test_samples: 20}
network: {name: mlp, depth: 3, width: 8}
init: [he, xavier]
batch_size: 10
steps: 10
probe: [0]
seeds: 4
device: cpu
"""


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("initbench.report.figures.draw", lambda _comparison: {})
    (tmp_path / "small.yaml").write_text(CONFIG)


def run(folder: Path) -> None:
    for _event in execute(schedule(load_text(CONFIG, "small.yaml"), folder, folder), Resources(workers=1)):
        pass


def outcome_of(folder: Path) -> str:
    """What stopped a run, if anything did."""
    try:
        run(folder)
    except RecordsError as error:
        return str(error)
    return "done"


def tables(folder: Path) -> dict[str, pd.DataFrame]:
    records = ResultsFolder(folder).read().records
    outcomes = records.outcomes.drop(columns=["seconds", "init_seconds"])
    return {"outcomes": outcomes, "curves": records.curves, "layers": records.layers}


def assert_same(ours, theirs):
    for name, table in ours.items():
        pd.testing.assert_frame_equal(table, theirs[name], check_exact=True)


class Disk:
    """Counts what is flushed to it; from ``full_at`` on there is no room."""

    def __init__(self, monkeypatch, number=errno.ENOSPC):
        self.flushed, self.full_at = 0, None
        self._flush = os.fsync
        self._error = number
        monkeypatch.setattr(files.os, "fsync", self)

    def __call__(self, descriptor):
        if self.full_at is not None and self.flushed >= self.full_at:
            raise OSError(self._error, os.strerror(self._error))
        self.flushed += 1
        self._flush(descriptor)


def test_a_disk_that_fills_up_at_any_write_costs_nothing_that_was_finished(tmp_path, monkeypatch):
    """Each flush of a run fails in turn, and all after it; then there is room again."""
    disk = Disk(monkeypatch)
    run(tmp_path / "undisturbed")
    flushes, undisturbed = disk.flushed, tables(tmp_path / "undisturbed")
    assert flushes > 10
    stopped, kept = 0, set()
    for full_at in range(flushes):
        folder = tmp_path / f"full at {full_at}"
        disk.flushed, disk.full_at = 0, full_at
        said = outcome_of(folder)
        stopped += said != "done"
        assert said == "done" or ("No space left on device; make room" in said and str(folder) in said)
        disk.full_at = None
        assert [path for path in folder.rglob("*") if path.name.endswith(".tmp")] == []
        kept.add(len(ResultsFolder(folder).finished()))
        run(folder)
        assert_same(tables(folder), undisturbed)
        assert ResultsFolder(folder).read().problems == ()
    assert stopped > 8  # not every flush is of a file: where that of a folder fails, nothing is lost
    assert kept == {0, 4, 8}


def test_a_full_disk_is_one_message_and_the_same_command_goes_on(monkeypatch):
    disk = Disk(monkeypatch)
    disk.full_at = 15
    result = CliRunner().invoke(app, ["run", "small.yaml", "--workers", "1", "-q"])
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith("Error: cannot write results/small/")
    assert (
        "No space left on device; make room. Finished trials are kept in results/small; the same command goes on"
        in (result.stderr)
    )
    disk.full_at = None
    assert CliRunner().invoke(app, ["run", "small.yaml", "--workers", "1", "-q"]).exit_code == 0
    assert len(ResultsFolder(Path("results/small")).read().records.outcomes) == 8


def test_a_report_that_finds_the_disk_full_leaves_the_records_alone(monkeypatch):
    with monkeypatch.context() as full:
        refused = RecordsError("cannot write results/small/report.md: No space left on device; make room")

        def refusing(*_arguments):
            raise refused

        full.setattr("initbench.report.folder.write_text", refusing)
        result = CliRunner().invoke(app, ["run", "small.yaml", "--workers", "1", "-q"])
    assert result.exit_code == 2
    assert "make room. The records are safe: initbench report results/small draws the rest" in result.stderr
    before = {path: path.read_bytes() for path in Path("results/small/records").rglob("*.parquet")}
    assert len(before) == 6
    assert CliRunner().invoke(app, ["report", "results/small"]).exit_code == 0
    assert Path("results/small/report.md").exists()
    assert {path: path.read_bytes() for path in Path("results/small/records").rglob("*.parquet")} == before


def small_files_only() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2500, resource.RLIM_INFINITY))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_limit_on_the_size_of_files_stops_a_run_as_a_full_disk_does(tmp_path):
    """A real refusal by the kernel, in the middle of a file: the curves fit, the other tables do not."""
    stopped = start(tmp_path, "run", "small.yaml", "--workers", "2", "--out", "small", before=small_files_only)
    assert stopped.ended() == 2
    assert "File too large; make room" in stopped.log.read_text()
    assert ResultsFolder(tmp_path / "small").finished() == frozenset()
    assert start(tmp_path, "run", "small.yaml", "--workers", "2", "--out", "small").ended() == 0
    run(tmp_path / "undisturbed")
    assert_same(tables(tmp_path / "small"), tables(tmp_path / "undisturbed"))


@contextmanager
def mounted(folder: Path, size: str) -> Iterator[Path]:
    """A file system in memory of some size, where one may be mounted."""
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True
    ).returncode:
        pytest.skip("may not mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def remounted(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)


def test_a_disk_that_is_really_full_is_survived(tmp_path):
    with mounted(tmp_path / "disk", "40k") as disk:
        with pytest.raises(RecordsError, match="No space left on device; make room"):
            run(disk / "small")
        assert len(ResultsFolder(disk / "small").finished()) < 8
        remounted(disk, "size=1m")
        run(disk / "small")
        run(tmp_path / "undisturbed")
        assert_same(tables(disk / "small"), tables(tmp_path / "undisturbed"))


def test_a_folder_that_may_not_be_written_stops_with_one_message(tmp_path):
    with mounted(tmp_path / "disk", "1m") as disk:
        run(disk / "small")
        remounted(disk, "ro")
        before = {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()}
        for arguments in (["run", "small.yaml", "--workers", "1", "--out"], ["report"]):
            refused = CliRunner().invoke(app, [*arguments, str(disk / "small")])
            assert refused.exit_code == 2
            last = refused.stderr.splitlines()[-1]
            assert last.startswith("Error: cannot write ")
            assert last.endswith("Read-only file system; make it writable, or use another folder")
        looked_at = CliRunner().invoke(app, ["run", "small.yaml", "--out", str(disk / "small"), "--dry-run"])
        assert looked_at.exit_code == 0
        assert "nothing to train" in looked_at.stdout
        assert {path: path.read_bytes() for path in disk.rglob("*") if path.is_file()} == before


def test_leftovers_of_killed_writers_go_and_nothing_else_does(tmp_path):
    """Only what is named as ours and whose process is gone: here that of a child that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    results = tmp_path / "results"
    run(results)
    outcomes = results / "records" / "outcomes"
    stale = [results / f".manifest.json.{ended.pid}.tmp", outcomes / f".abc.parquet.{ended.pid}.tmp"]
    spared = [
        outcomes / f".abc.parquet.{os.getpid()}.tmp",  # somebody is writing it
        outcomes / f"abc.parquet.{ended.pid}.tmp",
        outcomes / ".abc.parquet.x.tmp",
        results / ".notes.tmp",
        results / f".{ended.pid}.tmp",
    ]
    for path in (*stale, *spared):
        path.write_text("half a file")
    link = results / f".link.{ended.pid}.tmp"
    link.symlink_to(tmp_path / "small.yaml")
    assert ResultsFolder(results).read().problems == ()
    run(results)
    assert [path for path in stale if path.exists()] == []
    assert all(path.read_text() == "half a file" for path in spared)
    assert link.is_symlink()
    assert report.write(ResultsFolder(results).read()).results.problems == ()
