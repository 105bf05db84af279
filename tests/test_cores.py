"""How many cores there are, told from files as the kernel writes them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from initbench import cores


@pytest.fixture
def eight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of eight cores, and the folder of its control group."""
    monkeypatch.setattr(cores.sys, "platform", "linux")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)), raising=False)
    files = [tuple(str(tmp_path / name) for name in names) for names in (("max",), ("quota", "period"))]
    monkeypatch.setattr(cores, "GROUPS", tuple(files))
    return tmp_path


def test_without_a_container_all_cores_that_the_process_may_run_on_count(eight: Path) -> None:
    assert cores.available_cores() == 8


@pytest.mark.parametrize(
    ("limit", "expected"),
    [("max 100000", 8), ("200000 100000", 2), ("250000 100000", 2), ("50000 100000", 1), ("6400000 100000", 8)],
)
def test_a_container_s_quota_counts_in_whole_cores_but_for_the_last(eight: Path, limit: str, expected: int) -> None:
    (eight / "max").write_text(f"{limit}\n")
    assert cores.available_cores() == expected


@pytest.mark.parametrize(("quota", "expected"), [("-1", 8), ("300000", 3)])
def test_version_1_has_a_file_for_each_number(eight: Path, quota: str, expected: int) -> None:
    (eight / "quota").write_text(f"{quota}\n")
    (eight / "period").write_text("100000\n")
    assert cores.available_cores() == expected


def test_another_system_counts_what_it_has(eight: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores.sys, "platform", "darwin")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert cores.available_cores() == 6
