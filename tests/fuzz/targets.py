"""What is fuzzed. Each target reads bytes that a stranger could have made, and all keep one promise.

The bytes are read, or an ``InitbenchError`` says in a few short lines why not: never another exception, never a hang.
What is read obeys a law besides, such as reading back to the same after it was written.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

import archives

from initbench import records
from initbench.config import CATALOGS, load, load_text, parse_components
from initbench.datasets import DATASETS, Published, Source
from initbench.datasets._idx import parse_idx
from initbench.errors import InitbenchError
from initbench.gate import read_baseline

LONGEST_MESSAGE = 6000  # characters: 20 problems of 300
MOST_LINES = 25

Target = Callable[[bytes, Path], None]
"""Reads bytes; the folder is for files, and empty."""


class TooSlowError(Exception):
    """A reader that did not come back in time."""


def outcome(target: Target, content: bytes, seconds: float = 20.0) -> str:
    """``read``, or the message of the refusal. Anything else that a reader does is raised."""
    try:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder, _at_most(seconds):
            target(content, Path(folder))
    except InitbenchError as error:
        message = str(error)
        assert message.strip()
        assert len(message) <= LONGEST_MESSAGE, message
        assert len(message.splitlines()) <= MOST_LINES, message
        return message
    return "read"


def config(content: bytes, folder: Path) -> None:
    """A config; the resolved form of one that loads is the same experiment."""
    path = folder / "fuzzed.yaml"
    path.write_bytes(content)
    experiment = load(path, data_dir=folder)
    assert load_text(experiment.to_yaml(), "resolved.yaml", data_dir=folder) == experiment


def inline(content: bytes, folder: Path) -> None:
    """Components as on a command line; the label of each is its inline form."""
    text = content.decode(errors="surrogateescape")  # as Python decodes arguments
    refusals = []
    for catalog in CATALOGS.values():
        try:
            found = parse_components(text, catalog)
        except InitbenchError as error:
            refusals.append(error)
            continue
        for component in found:
            assert parse_components(component.label, catalog) == (component,)
    if refusals:
        raise refusals[-1]


def override(content: bytes, folder: Path) -> None:
    """``--set`` with a line for each override, over a config with every kind of key."""
    text = content.decode(errors="surrogateescape")
    load_text("init: [he, xavier]\nnetwork: mlp\nseeds: 2\nsteps: 3\n", "x.yaml", text.split("\n"), folder)


def npz(content: bytes, folder: Path) -> None:
    """An archive of arrays, or the file of one array, which is put into an archive that is sound otherwise.

    A copy of the file holds the same samples.
    """
    path, elsewhere = folder / "fuzzed.npz", folder / "copy.npz"
    path.write_bytes(content if content.startswith(b"PK") else archives.with_array("x_train", content))
    dataset = DATASETS["arrays"](path=str(path))
    spec = dataset.spec(folder)
    shutil.copy(path, elsewhere)
    assert dataset.fingerprint(folder) == DATASETS["arrays"](path=str(elsewhere)).fingerprint(folder)
    data = dataset.load(folder)
    for split in (data.train, data.test):
        assert tuple(split.x.shape[1:]) == spec.input_shape
        assert len(split.x) == len(split.y)
        assert bool(split.x.isfinite().all())
    assert len(data.train.x) == spec.train_samples


def idx(content: bytes, folder: Path) -> None:
    """Images and labels in the format of MNIST, by themselves and as a file that claims to be a published one."""
    _source(content, folder, b"other content")
    for dimensions in (1, 3):
        array = parse_idx(content, dimensions, "fuzzed")
        assert array.nbytes == len(content) - 4 - 4 * dimensions


def baseline(content: bytes, folder: Path) -> None:
    """A baseline; one that is read is written to the same values."""
    path = folder / "fuzzed.json"
    path.write_bytes(content)
    found = read_baseline(path)
    path.write_text(found.text(), encoding="utf-8")
    assert read_baseline(path) == found


def manifest(content: bytes, folder: Path) -> None:
    """The description of a results folder, and its provenance, which is left alone where it is damaged."""
    (folder / "manifest.json").write_bytes(content)
    (folder / "provenance.json").write_bytes(content)
    (folder / "experiment.yaml").write_bytes(content)
    found = records.read(folder)
    assert all(isinstance(trial, str) for trial in found.manifest.trials)


TARGETS: Mapping[str, Target] = MappingProxyType(
    {each.__name__: each for each in (config, inline, override, npz, idx, baseline, manifest)}
)


def _source(content: bytes, folder: Path, published: bytes) -> None:
    """Read ``content`` as a published file that is another: whatever it holds, it is refused as such."""
    file = Published("images", len(content), "", len(published), hashlib.sha256(published).hexdigest())
    source = Source("fuzzed", "Fuzzed", (), (file, file, file, file))
    raw = source.raw(folder)
    raw.mkdir(parents=True)
    for name, stored in (("images.gz", content), ("images.gz", gzip.compress(content)), ("images", content)):
        (raw / name).write_bytes(stored)
        try:
            source.read(file, folder)
        except InitbenchError:
            continue
        raise AssertionError("content that nobody published was taken for the published file")


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def give_up(_number: int, _frame: object) -> None:
        raise TooSlowError(f"no answer within {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
