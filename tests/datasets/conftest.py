"""A tiny published dataset, and a server on the loopback interface that gives or withholds its files."""

from __future__ import annotations

import gzip
import hashlib
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import numpy as np
import pytest

from initbench.datasets import Published, Source

Answer = Callable[[BaseHTTPRequestHandler], None]


def idx_bytes(values: np.ndarray) -> bytes:
    return struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()


def sending(body: bytes, status: int = 200, **headers: str) -> Answer:
    """An answer with this body; ``Content_Length=...`` may lie about its length."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for key, value in ({"Content_Length": str(len(body))} | headers).items():
            request.send_header(key.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    return answer


class Server:
    """Answers by path, a log of the paths asked for, and the address of a folder on the server."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.finished = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(self.path)
                server.answers.get(self.path, sending(b"no such file", status=404))(self)

            def log_message(self, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,))

    def address(self, folder: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/{folder}/"

    def offers(self, folder: str, files: dict[str, bytes]) -> str:
        """Serve zipped files under a folder; returns its address."""
        self.answers |= {f"/{folder}/{name}.gz": sending(body) for name, body in files.items()}
        return self.address(folder)


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
