"""Whatever a stranger hands over is read, or refused in a few lines: never a traceback, a hang, or much memory."""

from __future__ import annotations

import io
import json
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import archives
import hostile
import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from targets import TARGETS, Target, outcome

FOUND = Path(__file__).parent / "found"
KEYS = ("init", "init.std", "network.depth", "network.hidden", "seeds", "seeds.init", "steps", "target.value")
MEGABYTE = 2**20
PLAIN = [yaml.safe_load(text) for text in hostile.CONFIGS]


def examples(count: int) -> settings:
    """So many inputs, the same ones every time."""
    return settings(
        derandomize=True, deadline=None, max_examples=count, database=None, suppress_health_check=list(HealthCheck)
    )


@examples(150)
@given(hostile.changed_bytes(hostile.CONFIGS))
def test_a_config_with_bytes_changed_loads_or_is_refused(content: bytes) -> None:
    assert outcome(TARGETS["config"], content)


@examples(250)
@given(st.sampled_from(PLAIN).flatmap(hostile.changed_tree).map(hostile.as_json))
def test_a_config_with_values_changed_loads_or_is_refused(content: bytes) -> None:
    assert outcome(TARGETS["config"], content)


@examples(300)
@given(hostile.changed_bytes(hostile.INLINE) | st.text(max_size=60).map(lambda text: text.encode(errors="replace")))
def test_inline_components_are_parsed_or_refused(content: bytes) -> None:
    assert outcome(TARGETS["inline"], content)


@examples(150)
@given(
    hostile.changed_bytes(hostile.OVERRIDES)
    | st.builds(
        lambda key, value: f"{key}={value}".encode(errors="surrogateescape"),
        st.sampled_from(KEYS),
        st.sampled_from(hostile.WORDS),
    )
)  # fmt: skip
def test_overrides_are_applied_or_refused(content: bytes) -> None:
    assert outcome(TARGETS["override"], content)


@examples(300)
@given(hostile.npz_files() | hostile.changed_bytes(hostile.SEEDS["npz"]))
def test_an_archive_of_arrays_is_read_or_refused_without_much_memory(content: bytes) -> None:
    assert peak(TARGETS["npz"], content) < 4 * MEGABYTE + 50 * len(content)


@examples(300)
@given(hostile.idx_files() | hostile.changed_bytes(hostile.SEEDS["idx"]))
def test_an_idx_file_is_read_or_refused_without_much_memory(content: bytes) -> None:
    assert peak(TARGETS["idx"], content) < 4 * MEGABYTE + 50 * len(content)


@examples(150)
@given(
    hostile.changed_tree(json.loads(hostile.SMALL_BASELINE)).map(hostile.as_json)
    | hostile.changed_bytes((hostile.SMALL_BASELINE, hostile.BASELINE))
)
def test_a_baseline_is_read_or_refused(content: bytes) -> None:
    assert outcome(TARGETS["baseline"], content)


@examples(150)
@given(
    hostile.changed_tree(json.loads(hostile.MANIFEST)).map(hostile.as_json) | hostile.changed_bytes((hostile.MANIFEST,))
)
def test_a_manifest_is_read_or_refused(content: bytes) -> None:
    assert outcome(TARGETS["manifest"], content)


@pytest.mark.parametrize(
    "path", sorted(FOUND.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}" if path else ""
)
def test_inputs_that_once_did_harm_are_read_or_refused_in_time(path: Path) -> None:
    assert outcome(TARGETS[path.parent.name], path.read_bytes(), seconds=15)


@pytest.mark.parametrize("target", TARGETS)
def test_the_sound_inputs_that_are_changed_are_sound(target: str) -> None:
    first = outcome(TARGETS[target], hostile.SEEDS[target][0])
    assert target in {"idx", "inline"} or first == "read"  # an IDX file is one of two kinds, a name of one catalog


@pytest.mark.parametrize("target", ["baseline", "manifest", "config"])
@pytest.mark.parametrize("opening", ["[", '{"a":', "- "], ids=["lists", "mappings", "items"])
def test_nesting_without_end_is_refused(target: str, opening: str) -> None:
    assert outcome(TARGETS[target], opening.encode() * 30_000) != "read"


def test_a_pickle_in_an_archive_is_never_loaded(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    array = np.empty(6, dtype=object)
    array[:] = Bomb(mark)
    content = archives.npy(array, allow_pickle=True)
    pickle.loads(content[content.index(b"\n") + 1 :])  # noqa: S301 - to show that it would
    assert mark.exists()
    mark.unlink()
    assert "holds Python objects" in outcome(TARGETS["npz"], content)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("header", "version"),
    [("{'descr': '<f4', 'fortran_order': False, 'shape': (500000000, 2)}", (1, 0)), (" " * 50 * MEGABYTE, (2, 0))],
    ids=["a shape of 4 GB", "a header of 50 MB"],
)
def test_what_a_header_announces_is_not_allocated(header: str, version: tuple[int, int]) -> None:
    content = archives.with_array("x_train", archives.forged(header, bytes(48), version=version))
    assert peak(TARGETS["npz"], content) < 5 * MEGABYTE


def test_an_array_larger_than_what_memory_is_free_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("initbench.datasets._npz.free_memory", lambda: 1.0 * MEGABYTE)
    content = archives.with_array("y_train", archives.npy(np.zeros((6, 2 * MEGABYTE), np.float32)))
    message = outcome(TARGETS["npz"], content)
    assert "the array 'y_train' takes 48 MB of memory, and 1 MB are free" in message


def test_entries_that_share_their_bytes_are_no_way_around_the_limit() -> None:
    """A quine-like archive: every entry of the directory points at the same compressed data."""
    zeros = archives.npy(np.zeros((1, 10 * MEGABYTE), np.uint8))
    content = bytearray(archives.archive([(f"{name}.npy", zeros) for name in archives.sound()]))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as zipped:
        first = zipped.infolist()[0].header_offset
    for position in occurrences(bytes(content), b"PK\x01\x02"):
        content[position + 42 : position + 46] = first.to_bytes(4, "little")
    assert outcome(TARGETS["npz"], bytes(content)) != "read"


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


def peak(target: Target, content: bytes) -> int:
    """The most memory that a target held at once, in bytes: Python's, NumPy's and zlib's, but not torch's."""
    tracemalloc.start()
    try:
        outcome(target, content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def occurrences(content: bytes, wanted: bytes) -> list[int]:
    return [at for at in range(len(content)) if content.startswith(wanted, at)]
