"""No name, whatever it says, leads out of the results folder."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from synthetic_results import Trial, folder, manifest, records
from typer.testing import CliRunner

from initbench import naming, report
from initbench.cli import app
from initbench.config import ConfigError, load_text
from initbench.records import RecordsError, ResultsFolder, read
from initbench.report import write

PARTS = (
    "..",
    ".",
    "/",
    "\\",
    "~",
    "a",
    "CON",
    "nul.txt",
    "\0",
    "\n",
    " ",
    "-rf",
    "%2e",
    "é",
    "日",
    "C:",
    "$HOME",
    "x" * 90,
)
NAMES = st.text(max_size=12) | st.lists(st.sampled_from(PARTS), max_size=5).map("".join)
AWAY = (
    "../../x",
    "/x",
    "..",
    ".",
    "",
    "a/b",
    "a\\b",
    "a\0b",
    "~root",
    ".hidden",
    "x.",
    "CON",
    "com1.yaml",
    "日" * 90,
)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(NAMES)
@example("a" * naming.LONGEST_NAME)
@example("é" * naming.LONGEST_NAME)
def test_a_name_is_refused_or_every_file_lies_in_its_own_folder(name: str) -> None:
    with tempfile.TemporaryDirectory() as outside:
        results = Path(outside) / "results"
        results.mkdir()
        if naming.fault(name):
            with pytest.raises(ConfigError, match="name"):
                load_text(f"init: he\nname: {_quoted(name)}\n", "x.yaml")
            return
        assert load_text(f"init: he\nname: {_quoted(name)}\n", "x.yaml").name == name
        made = ResultsFolder(results / name)
        made.create()
        made.write_manifest(replace(manifest(), name=name))
        written = [path for path in Path(outside).rglob("*") if path.is_file()]
        assert written == [results / name / "manifest.json"]
        assert [path.name for path in results.iterdir()] == [name]
        assert read(results / name).manifest.name == name


@pytest.mark.parametrize("name", AWAY, ids=ascii)
def test_a_config_s_own_file_name_is_held_to_the_same_rule(name: str) -> None:
    assert naming.fault(name)
    if "/" in name or "\0" in name or name in {".", "..", ""}:
        return  # no file can have such a name
    with pytest.raises(ConfigError, match="a name is a folder's"):
        load_text("init: he\n", f"{name}.yaml")


@pytest.mark.parametrize("name", AWAY, ids=ascii)
def test_a_manifest_with_a_name_that_leads_away_is_damaged(name: str, tmp_path: Path) -> None:
    made = folder(tmp_path / "results", [Trial("he", 0, (2.0, 0.4))])
    made.write_manifest(replace(manifest(), name=name))
    with pytest.raises(RecordsError, match="is damaged: it names"):
        made.read()


@pytest.mark.parametrize("link", ["records", "records/outcomes", "failures", "figures"])
def test_nothing_is_written_through_a_link_inside_of_a_results_folder(link: str, tmp_path: Path) -> None:
    made = folder(tmp_path / "results", [Trial("he", 0, (2.0, 0.4))])
    elsewhere = tmp_path / "elsewhere"
    place = made.path / link
    if place.exists():
        place.rename(elsewhere)
    else:
        elsewhere.mkdir()
    before = sorted(elsewhere.rglob("*"))
    place.symlink_to(elsewhere)
    with pytest.raises(RecordsError, match=f"{link} is a link"):
        report.write(made.read()) if link == "figures" else made.create()
    assert sorted(elsewhere.rglob("*")) == before


def test_a_link_in_place_of_a_file_is_replaced_and_what_it_named_is_left_alone(tmp_path: Path) -> None:
    made = folder(tmp_path / "results", [Trial("he", 0, (2.0, 0.4))])
    private = tmp_path / "private"
    private.write_text("mine")
    for name in ("report.html", "summary.csv", f".report.md.{os.getpid()}.tmp"):
        (made.path / name).symlink_to(private)
    write(made.read())
    assert private.read_text() == "mine"
    assert "<!doctype html>" in (made.path / "report.html").read_text()


def test_a_results_folder_may_be_a_link_itself(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    made = folder(tmp_path / "results", [Trial("he", 0, (2.0, 0.4))])
    made.create()
    assert (tmp_path / "disk" / "manifest.json").is_file()


@settings(derandomize=True, deadline=None, max_examples=12)
@given(st.lists(st.text(max_size=20) | st.sampled_from(AWAY), min_size=1, max_size=3, unique=True))
def test_labels_never_become_paths(labels: list[str]) -> None:
    """Schemes, values of a sweep and trials may be called anything in a folder that somebody else made."""
    labels = [label.encode(errors="replace").decode() for label in labels]
    trials = [Trial(label, 0, (2.0, 0.4), at={"optimizer.lr": label}) for label in labels]
    with tempfile.TemporaryDirectory() as outside:
        made = ResultsFolder(Path(outside) / "results" / "demo")
        made.create()
        made.write_manifest(manifest(*trials, axes=("init", "optimizer.lr")))
        made.append("stack", records(trials))
        for tracker in ("csv", "tensorboard"):
            CliRunner().invoke(app, ["export", str(made.path), "--to", tracker])
        strangers = [path for path in Path(outside).rglob("*") if path.is_file() and made.path not in path.parents]
        assert strangers == []


def _quoted(name: str) -> str:
    """A name in double quotes, as YAML reads it back."""
    return '"' + "".join(f"\\U{ord(character):08x}" for character in name) + '"'
