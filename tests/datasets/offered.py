"""Files in the format of MNIST, and a server on the loopback interface that gives or withholds them."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

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
