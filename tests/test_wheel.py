"""The wheel: complete, and usable from any directory without the source tree."""

import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the source tree, built with what is installed."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(SOURCE)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_data_templates_and_configs(wheel):
    inside = set(zipfile.ZipFile(wheel).namelist())
    kept = ("*.py", "*.typed", "*.yaml", "*.npz", "*.md", "*.j2", "*.txt", "*.json")
    expected = {
        path.relative_to(SOURCE).as_posix() for pattern in kept for path in (SOURCE / "initbench").rglob(pattern)
    }
    expected |= {f"initbench/{path.relative_to(SOURCE).as_posix()}" for path in (SOURCE / "configs").glob("*.yaml")}
    assert expected <= inside
    assert any(name.endswith(".npz") for name in expected)
    assert any(name.endswith(".j2") for name in expected)
    assert not [name for name in inside if name.startswith("tests") or "__pycache__" in name]


def test_an_installed_wheel_lists_runs_and_reports_from_anywhere(wheel, tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    python = scripts / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    # the dependencies of this environment, without the editable install that it may hold
    (Path(site) / "dependencies.pth").write_text(f"import sys; sys.path.append({sysconfig.get_path('purelib')!r})\n")

    def told(*arguments):
        command = [scripts / "initbench", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout

    where = subprocess.run(
        [python, "-c", "import initbench; print(initbench.__file__)"], capture_output=True, text=True, cwd=tmp_path
    )
    assert Path(where.stdout.strip()).is_relative_to(site)
    assert told("--version") == f"initbench {version('initbench')}\n"
    assert "deep_relu" in told("list", "configs")
    assert "kaiming" in told("show", "he")
    told("new", "mine.yaml")
    assert "he" in told("run", "mine.yaml", "--dry-run")
    assert "converged" in told("run", "smoke", "--workers", "1")
    assert (tmp_path / "results" / "smoke" / "report.md").is_file()
