"""Archives of arrays, sound and forged: every part of a ``.npz`` file is written by hand, and may lie."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np

MAGIC = b"\x93NUMPY"


def npy(array: np.ndarray, *, allow_pickle: bool = False) -> bytes:
    """An array as NumPy writes it."""
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=allow_pickle)
    return stream.getvalue()


def forged(header: str, body: bytes = b"", *, version: tuple[int, int] = (1, 0), length: int | None = None) -> bytes:
    """An array under a header of one's own, which may announce another ``length`` than it has."""
    text = header.encode("latin1", errors="replace")
    announced = len(text) if length is None else length
    size = struct.pack("<H" if version[0] == 1 else "<I", announced % 2 ** (16 if version[0] == 1 else 32))
    return MAGIC + bytes(version) + size + text + body


def archive(members: Sequence[tuple[str, bytes]], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file; members may have any name, and the same one twice."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as zipped, warnings.catch_warnings(action="ignore"):
        for name, content in members:
            zipped.writestr(zipfile.ZipInfo(name), content, compression)
    return stream.getvalue()


def sound() -> Mapping[str, bytes]:
    """The four arrays of a small classification problem."""
    x = np.linspace(-1, 1, 12, dtype=np.float32).reshape(6, 2)
    y = np.array([0, 1, 2, 0, 1, 2])
    return {"x_train": npy(x), "y_train": npy(y), "x_test": npy(x[:3]), "y_test": npy(y[:3])}


def with_array(name: str, content: bytes) -> bytes:
    """An archive that is sound but for one array."""
    return archive([(f"{key}.npy", value) for key, value in {**sound(), name: content}.items()])
