"""``initbench export``: names of trackers, refusals and what is said."""

import sys

import exported
import pytest
from typer.testing import CliRunner

from initbench import export
from initbench.analysis.settings import RECIPE
from initbench.cli import app
from initbench.cli import export as command
from initbench.config import CATALOGS, SCALARS
from initbench.export import Written
from initbench.export._runs import COMPONENTS


@pytest.fixture
def folder(tmp_path):
    return exported.folder(tmp_path / "run")


def test_every_tracker_is_named_in_the_help_and_can_be_had():
    shown = CliRunner().invoke(app, ["export", "--help"]).stdout
    assert export.TRACKERS == ("csv", "mlflow", "tensorboard")
    assert all(name in shown for name in export.TRACKERS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "tensorbord"], "found tracker 'tensorbord', expected one of csv, mlflow, tensorboard; did you mean"),
        (["--to", "csv", "--uri", "http://localhost:1"], "--uri names a tracking server, which only mlflow has"),
        (["--to", "mlflow", "--uri", "http://localhost:1", "--out", "x"], "--uri and --out both say where to write"),
        (["--to", "mlflow", "--uri", "carrier-pigeon://home"], "MLflow at carrier-pigeon://home refused"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_exit_code_2(folder, arguments, message):
    if "mlflow" in arguments:
        pytest.importorskip("mlflow")
    result = CliRunner().invoke(app, ["export", str(folder), *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {message}")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("name", ["mlflow", "tensorboard"])
def test_a_missing_extra_is_named_with_what_installs_it(folder, name, monkeypatch):
    monkeypatch.delitem(sys.modules, f"initbench.export.{name}", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Without(name), *sys.meta_path])
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    result = CliRunner().invoke(app, ["export", str(folder), "--to", name])
    assert result.exit_code == 2
    assert f"pip install 'initbench[{name}]'" in result.stderr
    assert f"needs the package {name}" in result.stderr


def test_the_small_mlflow_needs_a_database_driver_to_write_a_file(folder, monkeypatch):
    module = pytest.importorskip("initbench.export.mlflow", exc_type=ImportError)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["export", str(folder), "--to", "mlflow"])
    assert result.exit_code == 2
    assert "needs the package sqlalchemy" in result.stderr
    assert not (folder / "mlflow").exists()


class _Without:
    """An importer that finds a package missing."""

    def __init__(self, package):
        self._package = package

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == self._package:
            raise ModuleNotFoundError(f"No module named {self._package!r}", name=self._package)


def test_a_place_that_cannot_be_written_is_said(folder, tmp_path):
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["export", str(folder), "--to", "csv", "--out", str(tmp_path / "file")])
    assert result.exit_code == 2
    assert "cannot write" in result.stderr


def test_a_folder_without_trials_has_nothing_to_export(tmp_path):
    import synthetic_results

    empty = synthetic_results.folder(tmp_path / "empty").path
    result = CliRunner().invoke(app, ["export", str(empty), "--to", "csv"])
    assert result.exit_code == 2
    assert "no trials to export yet" in result.stderr


def test_where_it_takes_long_a_line_is_printed_now_and_then(monkeypatch, capsys):
    times = iter(range(0, 1000, 4))  # four seconds pass between two looks at the clock
    monkeypatch.setattr(command.time, "monotonic", lambda: float(next(times)))
    parts = [Written(done, 6) for done in range(1, 7)]
    assert command._followed(parts, "exporting to mlflow") == parts
    assert capsys.readouterr().err.splitlines() == ["exporting to mlflow: 3 of 6", "exporting to mlflow: 6 of 6"]


def test_a_tracker_gets_every_component_and_every_part_of_the_recipe():
    assert RECIPE == SCALARS
    assert set(COMPONENTS) == set(CATALOGS)
