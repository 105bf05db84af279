"""What the package never does with what strangers made: unpickle, evaluate, hand to a shell, or insert as markup."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "initbench"
SOURCES = sorted(PACKAGE.rglob("*.py"))
ASSETS = sorted(PACKAGE.rglob("*.js"))
TEMPLATES = sorted(PACKAGE.rglob("*.j2"))

UNPICKLERS = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "jsonpickle"}
EVALUATORS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN = {  # calls by their last two names
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.load_yaml"),
    *("torch.load", "torch.jit.load", "np.load", "numpy.load", "np.loadtxt", "np.fromfile"),
    *("pd.read_pickle", "pandas.read_pickle", "pd.read_hdf", "pd.eval"),
    *("os.system", "os.popen", "tempfile.mktemp", "shutil.unpack_archive", "pty.spawn"),
    *("archive.extract", "archive.extractall", "tarfile.open"),
}
LOADERS = {"yaml.BaseLoader", "yaml.SafeLoader"}


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in SOURCES:
        yield path, ast.parse(path.read_text(encoding="utf-8"), str(path))


def calls() -> Iterator[tuple[str, str, ast.Call]]:
    """Every call in the package: its place, the last two names of what is called, and the call."""
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = ".".join(ast.unparse(node.func).split(".")[-2:])
                yield f"{path.relative_to(PACKAGE)}:{node.lineno}", name, node


def keyword(call: ast.Call, name: str) -> str | None:
    return next((ast.unparse(given.value) for given in call.keywords if given.arg == name), None)


def test_there_is_a_package_to_look_at() -> None:
    assert len(SOURCES) > 150
    assert len(list(calls())) > 3000


def test_nothing_that_unpickles_is_imported() -> None:
    imported = {
        (str(path.relative_to(PACKAGE)), name.split(".")[0])
        for path, tree in trees()
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert [found for found in imported if found[1] in UNPICKLERS] == []


def test_nothing_is_evaluated_loaded_or_extracted_that_could_be_a_program() -> None:
    found = [
        (place, name)
        for place, name, _ in calls()
        if name in FORBIDDEN or name in EVALUATORS or name.endswith(".Unpickler")
    ]
    assert found == []


def test_arrays_are_read_without_pickles() -> None:
    reads = [(place, keyword(call, "allow_pickle")) for place, name, call in calls() if name.endswith("read_array")]
    assert reads
    assert {allowed for _, allowed in reads} == {"False"}
    assert [place for place, _, call in calls() if keyword(call, "allow_pickle") not in {None, "False"}] == []


def test_yaml_is_read_with_loaders_that_build_plain_values_alone() -> None:
    given = [(place, keyword(call, "Loader")) for place, name, call in calls() if name.startswith("yaml.") and
             name.split(".")[1] in {"compose", "compose_all", "parse", "scan"}]  # fmt: skip
    assert given
    assert {loader for _, loader in given} <= LOADERS
    bases = {
        ast.unparse(base)
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for base in node.bases
        if ast.unparse(base).endswith(("Loader", "Dumper")) and "yaml" in ast.unparse(base)
    }
    assert bases == {"yaml.SafeDumper"}


def test_no_shell_reads_a_command() -> None:
    assert [place for place, _, call in calls() if keyword(call, "shell") not in {None, "False"}] == []


def test_markup_is_made_of_the_package_s_own_text_alone() -> None:
    places = {place.split(":")[0] for place, name, _ in calls() if name.endswith("Markup")}
    assert places == {"report/page/html.py"}  # where each use says why it may


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_exempt_nothing_but_constants_from_escaping(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "autoescape" not in text
    exempt = re.findall(r"{{([^}]*)\|\s*safe\b([^}]*)}}", text)
    assert {"".join(parts).strip() for parts in exempt} <= {
        """' class="number"' if numeric else ''""",
        """' class="number"' if made.headings[loop.index0][1] else ''""",
        """' class="number"'  if numeric else ''""",
        """' class="number"'  if made.headings[loop.index0][1] else ''""",
    }


@pytest.mark.parametrize("path", ASSETS, ids=lambda path: path.name)
def test_scripts_of_the_page_set_text_and_never_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", text)
