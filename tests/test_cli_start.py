"""The command line answers at once: nothing heavy is imported before a command needs it."""

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "pandas", "matplotlib", "numpy", "scipy", "pyarrow", "pydantic", "jinja2", "yaml"}
HELP_SECONDS = 0.3


@pytest.mark.parametrize("module", ["initbench", "initbench.cli"])
def test_importing_loads_nothing_heavy(module):
    loaded = _modules_after(f"import {module}")
    assert not HEAVY & loaded


def test_reporting_needs_no_torch(tmp_path):
    loaded = _modules_after(
        "from typer.testing import CliRunner\n"
        "from initbench.cli import app\n"
        f"result = CliRunner().invoke(app, ['report', {str(tmp_path)!r}])\n"
        "assert 'not a results folder' in result.stderr, result.output\n"
        "import initbench.report.figures"
    )
    assert "torch" not in loaded
    assert "pandas" in loaded


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
@pytest.mark.skipif(sys.platform == "win32", reason="asks the system for the time of child processes")
def test_help_comes_within_a_blink(arguments):
    def seconds():
        import resource  # not on Windows

        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "initbench", *arguments], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) < HELP_SECONDS  # of the processor: waiting for a busy machine is no fault


def _modules_after(code):
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted({{name.partition('.')[0] for name in sys.modules}})))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(ended.stdout))
