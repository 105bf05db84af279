"""Downloading published files: mirrors in order, hashes checked in memory, then a temporary file and a rename.

Nothing reaches its place before it is known to be right, and whatever interrupts a download leaves nothing behind.
Files that are right already are not fetched again.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    UnknownHandler,
)

from initbench.datasets._base import DatasetError
from initbench.datasets._published import Published, Source

TIMEOUT = 30.0  # seconds without a byte
SLOWEST = 1024.0  # bytes per second, on the whole: less is no download but a hang
BLOCK = 1 << 16

Watch = Callable[[Published, int], None]
"""Called as the download of a file goes on, with the number of bytes so far."""


class DownloadError(DatasetError):
    """No mirror gave the file, or it could not be written: a fault of the surroundings, not of the request."""


class _MirrorError(Exception):
    """Why one mirror did not give one file."""


def fetch(source: Source, data_dir: Path, mirrors: Sequence[str], watch: Watch) -> list[Published]:
    """Download and unzip what is missing or damaged of ``source``; returns the files that were downloaded.

    Raises
    ------
    DownloadError
        A file could not be had from any mirror, or could not be written.
    DatasetError
        The folder cannot hold files.
    """
    order = [mirror if mirror.endswith("/") else f"{mirror}/" for mirror in mirrors]
    wanted = source.damaged(data_dir)
    for file in wanted:
        with _replacing(source.raw(data_dir) / file.name) as target:
            mirror, content = _first_answer(file, order, watch)
            target.write(content)
        order.sort(key=lambda address: address != mirror)  # stable: what answered goes first
    return wanted


def _first_answer(file: Published, mirrors: Sequence[str], watch: Watch) -> tuple[str, bytes]:
    failures = []
    for mirror in mirrors:
        try:
            return mirror, _unzipped(_body(f"{mirror}{file.name}.gz", file, watch), file)
        except _MirrorError as error:
            failures.append(f"\n  {mirror}{file.name}.gz: {error}")
    raise DownloadError(f"could not download {file.name}.gz; tried{''.join(failures)}")


def _body(url: str, file: Published, watch: Watch) -> bytes:
    body = bytearray()
    deadline = time.monotonic() + TIMEOUT + file.zipped_size / SLOWEST
    try:
        with _opener().open(url, timeout=TIMEOUT) as response:
            while block := response.read1(BLOCK):
                body += block
                if len(body) > file.zipped_size:
                    break
                if time.monotonic() > deadline:
                    raise _MirrorError(f"it sends less than {SLOWEST:g} bytes a second")
                watch(file, len(body))
    except HTTPError as error:
        error.close()
        raise _MirrorError(f"the server answered {error.code} {error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise _MirrorError(_reason(error)) from error
    return bytes(body)


def _opener() -> OpenerDirector:
    """Opens http and https alone, whatever a mirror or a redirect names: no file, no FTP, no data in the address."""
    opener = OpenerDirector()
    for handler in (
        ProxyHandler(),
        UnknownHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        HTTPDefaultErrorHandler(),
        HTTPRedirectHandler(),
        HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _unzipped(body: bytes, file: Published) -> bytes:
    if len(body) < file.zipped_size:
        raise _MirrorError(f"it ended after {len(body)} of {file.zipped_size} bytes")
    found = hashlib.sha256(body).hexdigest()
    if found != file.zipped_sha256:
        raise _MirrorError(f"it is not the published file: sha256 {found[:12]}…, expected {file.zipped_sha256[:12]}…")
    return gzip.decompress(body)


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, TimeoutError):
        return f"no answer within {TIMEOUT:g} seconds"
    return (cause.strerror if isinstance(cause, OSError) else None) or str(cause) or type(cause).__name__


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of ``path`` if all goes well, and vanishes if not."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = temporary.open("xb")
    except OSError as error:
        raise DatasetError(f"cannot write into {path.parent}: {error.strerror or error}") from error
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise DownloadError(f"could not write {path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
            path.parent.rmdir()  # refused, as it should be, unless empty
            path.parent.parent.rmdir()
