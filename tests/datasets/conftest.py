"""A tiny published dataset, and a server that may offer it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from offered import Server, idx_bytes

from initbench.datasets import Published, Source


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    server.thread.start()
    yield server
    server.finished.set()
    server.http.shutdown()
    server.http.server_close()
    server.thread.join()


@pytest.fixture
def tiny() -> SimpleNamespace:
    """Six training and four test images of 5 by 4: arrays, contents, their zipped form, and the source they make."""
    rng = np.random.default_rng(0)
    arrays = {
        "train-images-idx3-ubyte": rng.integers(0, 256, (6, 5, 4)),
        "train-labels-idx1-ubyte": np.array([0, 1, 2, 0, 1, 2]),
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (4, 5, 4)),
        "t10k-labels-idx1-ubyte": np.array([2, 1, 0, 0]),
    }
    contents = {name: idx_bytes(values) for name, values in arrays.items()}
    zipped = {name: gzip.compress(content, mtime=0) for name, content in contents.items()}
    files = tuple(
        Published(
            name,
            zipped_size=len(zipped[name]),
            zipped_sha256=hashlib.sha256(zipped[name]).hexdigest(),
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        for name, content in contents.items()
    )
    source = Source(name="tiny", folder="Tiny", mirrors=(), files=files)
    return SimpleNamespace(arrays=arrays, contents=contents, zipped=zipped, source=source)
