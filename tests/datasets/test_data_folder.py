"""Which folder downloaded data lies in."""

from pathlib import Path

import pytest

from initbench.datasets import DatasetError, data_folder
from initbench.datasets._folder import cache_folder


def test_the_option_comes_before_the_variable_and_the_variable_before_the_cache(monkeypatch):
    monkeypatch.setenv("INITBENCH_DATA", "/from/variable")
    monkeypatch.setenv("XDG_CACHE_HOME", "/from/cache")
    monkeypatch.setattr("sys.platform", "linux")
    assert data_folder(Path("/from/option")) == Path("/from/option")
    assert data_folder() == Path("/from/variable")
    monkeypatch.setenv("INITBENCH_DATA", "")
    assert data_folder() == Path("/from/cache/initbench")


def test_a_tilde_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("INITBENCH_DATA", "~/data")
    assert data_folder() == Path("/home/me/data")
    assert data_folder(Path("~/other")) == Path("/home/me/other")


def test_the_home_of_nobody_is_an_error():
    with pytest.raises(DatasetError, match="no such data folder: ~nobody-of-that-name"):
        data_folder(Path("~nobody-of-that-name"))


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {}, "/home/me/.cache"),
        ("linux", {"XDG_CACHE_HOME": "/cache"}, "/cache"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/me/.cache"),
        ("darwin", {"XDG_CACHE_HOME": "/cache"}, "/home/me/Library/Caches"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local"),
        ("win32", {}, "/home/me/AppData/Local"),
    ],
)
def test_the_cache_lies_where_the_platform_keeps_its_caches(monkeypatch, platform, environment, expected):
    monkeypatch.setenv("HOME", "/home/me")
    assert cache_folder(platform, environment) == Path(expected)


def test_a_user_without_a_home_gets_the_temporary_folder(monkeypatch, tmp_path):
    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert cache_folder("linux", {}) == tmp_path
