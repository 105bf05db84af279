"""How much memory is free, told from files as the kernel writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from initbench import memory


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of 8 GB with 4 GB available, and no control group."""
    (tmp_path / "meminfo").write_text("MemTotal: 8388608 kB\nMemFree: 1048576 kB\nMemAvailable: 4194304 kB\n")
    monkeypatch.setattr(memory, "SYSTEM", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "GROUPS", (tuple(str(tmp_path / name) for name in ("max", "current", "stat")),))
    return tmp_path


def group(folder: Path, limit: str, used: int, statistics: str) -> None:
    (folder / "max").write_text(f"{limit}\n")
    (folder / "current").write_text(f"{used}\n")
    (folder / "stat").write_text(statistics)


def test_what_the_system_has_available_counts(kernel: Path) -> None:
    assert memory.free_memory() == 4 * 2**30


@pytest.mark.parametrize(
    "statistics", ["anon 5\nfile 100\n", "cache 1\ntotal_cache 100\n"], ids=["version 2", "version 1"]
)
def test_a_container_s_limit_counts_less_what_it_uses_but_for_the_cache(kernel: Path, statistics: str) -> None:
    group(kernel, "1000", 300, statistics)
    assert memory.free_memory() == 1000 - 300 + 100


def test_a_container_without_a_limit_has_what_the_system_has(kernel: Path) -> None:
    group(kernel, "max", 300, "file 100\n")
    assert memory.free_memory() == 4 * 2**30


def test_another_system_tells_what_is_built_in(kernel: Path) -> None:
    (kernel / "meminfo").unlink()
    assert memory.free_memory() > 2**27
