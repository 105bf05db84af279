"""What the command line tells about itself: list, show, info, schema, new, version, completion."""

import json
import re
from importlib.metadata import version

import pytest
import yaml
from typer.testing import CliRunner

from initbench.cli import app, completion
from initbench.config import CATALOGS, load, shipped_configs
from initbench.inits import INITS

EVERY_NAME = sorted({name for catalog in CATALOGS.values() for name in catalog.names})


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INITBENCH_DATA", raising=False)


def test_every_scheme_is_listed_with_its_formula_and_idea():
    rows = _rows("list", "inits")
    assert [row[0] for row in rows] == list(INITS)
    assert all(cls.formula in row[1] for row, cls in zip(rows, INITS.values(), strict=True))
    assert all(row[2] == cls.summary().replace("``", "") for row, cls in zip(rows, INITS.values(), strict=True))


def test_activations_are_listed_with_the_gains_of_theory():
    rows = {row[0]: row[1:3] for row in _rows("list", "activations")}
    assert rows["relu"] == ["1.4142", "1.4142"]  # √2, for the signal and for the gradient
    assert rows["linear"] == ["1.0000", "1.0000"]
    assert rows["tanh"] == ["1.5925", "1.4674"]  # 1/√E[tanh²], 1/√E[(1 - tanh²)²]


@pytest.mark.parametrize("kind", ["network", "dataset", "optimizer", "schedule"])
def test_every_component_of_a_kind_is_listed(kind):
    assert [row[0] for row in _rows("list", f"{kind}s")] == list(CATALOGS[kind])


def test_shipped_configs_are_listed_with_what_they_show():
    rows = _rows("list", "configs")
    assert [row[0] for row in rows] == list(shipped_configs())
    assert all(row[1].endswith((".", "?")) for row in rows)


def test_without_a_kind_everything_is_listed():
    shown = _told("list").split()
    assert all(name in shown for catalog in CATALOGS.values() for name in catalog)


@pytest.mark.parametrize("name", EVERY_NAME)
def test_every_name_and_alias_can_be_shown_with_its_options(name):
    shown = _told("show", name)
    for catalog in CATALOGS.values():
        if name in catalog.names:
            cls, preset = catalog.resolve(name)
            assert f"{cls.component_name()} ({catalog.kind})" in shown
            assert all(re.search(rf"^{option}\b", shown, re.MULTILINE) for option in cls.model_fields)
            assert all(str(value) in shown for value in preset.values())


def test_a_scheme_is_shown_with_formula_use_defaults_aliases_and_paper():
    shown = " ".join(_told("show", "kaiming_uniform").split())
    assert "kaiming_uniform is he[distribution=uniform]" in shown
    assert INITS["he"].formula in shown
    assert INITS["he"].suits in shown
    assert "fan_in or fan_out" in shown
    assert "kaiming_truncated_normal" in shown
    assert "Delving Deep into Rectifiers" in shown


def test_a_name_of_two_kinds_shows_both():
    shown = _told("show", "constant")
    assert "constant (init)" in shown
    assert "constant (schedule)" in shown


def test_an_inline_form_shows_its_component():
    assert _told("show", "normal[std=0.01]") == _told("show", "normal")


def test_info_names_versions_and_hardware():
    facts = json.loads(_told("info", "--json"))
    assert facts["versions"]["initbench"] == version("initbench")
    assert facts["versions"]["torch"].split("+")[0] == version("torch").split("+")[0]
    assert {"platform", "cpu", "cores", "device", "data_folder"} <= set(facts)
    lines = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in _told("info").splitlines())
    assert lines["initbench"] == version("initbench")
    assert lines["device"] == facts["device"]


def test_the_schema_knows_every_scheme():
    schema = json.loads(_told("schema"))
    known = {option["const"] for option in schema["definitions"]["init"]["anyOf"] if "const" in option}
    assert known == set(INITS.names)


def test_a_new_config_can_be_run_as_it_is(tmp_path):
    told = _told("new", "mine.yaml")
    assert "initbench run mine.yaml" in told
    assert load(tmp_path / "mine.yaml").name == "mine"
    (tmp_path / "mine.yaml").write_text("changed: 1\n")
    refused = CliRunner().invoke(app, ["new", "mine.yaml"])
    assert refused.exit_code == 2
    assert yaml.safe_load((tmp_path / "mine.yaml").read_text()) == {"changed": 1}
    _told("new", "mine.yaml", "--force")
    assert load(tmp_path / "mine.yaml").name == "mine"


def test_the_version_is_that_of_the_package():
    assert _told("--version") == f"initbench {version('initbench')}\n"


@pytest.mark.parametrize("command", ["run", "compare", "report", "list", "show", "new", "schema", "info", "data"])
def test_every_command_explains_itself_within_80_columns(command):
    shown = _told(command, "--help", columns=80)
    assert max(map(len, shown.splitlines())) <= 80
    assert re.search(rf"Usage: \w+ {command}\b", shown)


def test_completion_knows_the_names_without_importing_them(tmp_path):
    assert completion.schemes("x") == ["xavier"]
    assert set(completion.components("")) == {name for catalog in CATALOGS.values() for name in catalog}
    assert completion.listable("a") == ["activations"]
    (tmp_path / "sub").mkdir()
    (tmp_path / "deep_mine.yaml").touch()
    (tmp_path / "sub" / "one.yaml").touch()
    assert completion.configs("deep_") == ["deep_cnn", "deep_mine.yaml", "deep_relu", "deep_tanh"]
    assert completion.configs("su") == ["sub/"]
    assert completion.configs("sub/") == ["sub/one.yaml"]


def _told(*arguments, columns=400):
    result = CliRunner().invoke(app, list(arguments), env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, result.output
    return result.stdout


def _rows(*arguments):
    """The rows of a table wide enough that nothing is folded."""
    lines = _told(*arguments).splitlines()
    below = next(index for index, line in enumerate(lines) if line.startswith("──"))
    body = lines[below + 1 : lines.index("", below)]
    return [re.split(r"\s{2,}", line.strip()) for line in body]
