"""``initbench data``: what it prints, and its exit codes."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from initbench.cli import app
from initbench.datasets import DatasetError
from initbench.datasets.mnist import Mnist
from initbench.errors import InitbenchError


@pytest.fixture
def run(tiny, tmp_path, monkeypatch):
    """Run a command with the tiny dataset in the place of mnist, and a data folder of its own."""
    monkeypatch.setattr(Mnist, "source", tiny.source)
    monkeypatch.setenv("INITBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *arguments: CliRunner().invoke(app, ["data", *arguments])


def test_fetch_downloads_then_finds_everything_complete(run, tiny, server, tmp_path):
    mirror = server.offers("good", tiny.zipped)
    first = run("fetch", "mnist", "--mirror", server.address("empty"), "--mirror", mirror)
    assert (first.exit_code, first.stdout) == (0, f"mnist is in {tmp_path}/data/Tiny/raw: 4 of 4 files downloaded.\n")
    assert "train-images-idx3-ubyte" in first.stderr  # the progress bars
    again = run("fetch", "mnist")
    assert (again.exit_code, again.stdout) == (0, f"mnist is in {tmp_path}/data/Tiny/raw: complete already.\n")


def test_the_option_comes_before_the_variable(run, tiny, server, tmp_path):
    other = tmp_path / "other"
    result = run("fetch", "mnist", "--data-dir", str(other), "--mirror", server.offers("good", tiny.zipped))
    assert result.exit_code == 0
    assert (other / "Tiny" / "raw").is_dir()
    assert not (tmp_path / "data").exists()


def test_embedded_data_needs_no_download(run):
    result = run("fetch", "mnist_10k")
    assert (result.exit_code, result.stdout) == (0, "mnist_10k needs no download.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnst"], "Error: unknown dataset 'mnst'; did you mean mnist or mnist_10k?"),
        (["mnist", "--mirror", "ftp://host/"], "Error: a mirror is an address that begins with http:// or https://"),
        (["mnist", "--data-dir", __file__], f"Error: cannot write into {__file__}/Tiny/raw: Not a directory"),
        (["mnist", "--data-dir", "~nobody-of-that-name"], "Error: no such data folder: ~nobody-of-that-name"),
    ],
)
def test_a_request_that_cannot_be_met_exits_with_2_and_one_message(run, arguments, message):
    result = run("fetch", *arguments)
    assert result.exit_code == 2
    assert result.stderr.strip().startswith(message)
    assert "Traceback" not in result.output


@pytest.mark.parametrize(("command", "kind"), [(["fetch", "mnst"], InitbenchError), (["where"], DatasetError)])
def test_debugging_lets_the_error_itself_out(run, monkeypatch, command, kind):
    monkeypatch.setenv("INITBENCH_DEBUG", "1")
    monkeypatch.setenv("INITBENCH_DATA", "~nobody-of-that-name")
    assert isinstance(run(*command).exception, kind)


def test_a_download_that_fails_exits_with_3_and_says_what_to_do(run):
    result = run("fetch", "mnist", "--mirror", "http://127.0.0.1:1/")
    assert result.exit_code == 3
    assert "Connection refused" in result.stderr
    assert "name another --mirror" in result.stderr


def test_the_list_says_what_is_ready(run, tiny, server):
    def states():
        rows = [line.split() for line in run("list").stdout.splitlines() if line]
        return {row[0]: " ".join(row[1:3]) for row in rows}

    assert states()["mnist"] == "not downloaded"
    assert states()["mnist_10k"].startswith("ready")
    run("fetch", "mnist", "--mirror", server.offers("good", tiny.zipped))
    assert states()["mnist"].startswith("ready")


def test_where_prints_the_folder_and_nothing_else(run, tmp_path):
    assert run("where").stdout == f"{tmp_path}/data\n"


def test_the_module_does_not_import_torch():
    code = "import sys, initbench.cli.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
