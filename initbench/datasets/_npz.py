"""Reading ``.npz`` archives that nobody vouches for: no pickles, and no memory taken on a header's word.

An ``.npy`` header announces a shape, and NumPy allocates that much before it reads. Here the announced size must agree
with the archive's directory, and the directory with the size of the file, before an array is read. A header announces
its own length too, of which only as much is read as a header of plain numbers can take. What an honest archive of
zeros unpacks to may still be too much: it has to fit into the memory that is free.
"""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from initbench.datasets._base import DatasetError
from initbench.memory import free_memory

LONGEST_HEADER = 4096  # bytes; NumPy pads its own to 128, whatever the number of dimensions in use
DEFLATE_LIMIT = 1032  # deflate cannot shrink data further than this: zlib's technical details, "maximum compression"


@dataclass(frozen=True)
class Header:
    """What the header of one array announces, checked against the size of its data."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class NpzReader:
    """The arrays of an open ``.npz`` file by name; ``where`` names the file in messages. Use as a context manager.

    Raises
    ------
    DatasetError
        The file is no archive of arrays, or it is truncated, damaged or pickled.
    """

    def __init__(self, file: IO[bytes], where: str) -> None:
        self.where = where
        try:
            self._size = file.seek(0, 2)
            self._archive = zipfile.ZipFile(file)
            self._members = {info.filename.removesuffix(".npy"): info for info in self._archive.infolist()}
        except Exception as error:  # a damaged directory fails in many ways
            raise DatasetError(f"{where} is not an .npz archive, or it was cut short ({_reason(error)})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the arrays, in the order of the archive."""
        return tuple(self._members)

    def header(self, name: str) -> Header:
        """Shape and type of the array ``name``, without reading its values."""
        try:
            return self._checked_header(name)
        except DatasetError:
            raise
        except Exception as error:  # a forged header can raise nearly anything from the parsers below
            raise self._damaged(name, error) from error

    def array(self, name: str) -> NDArray[Any]:
        """The array ``name``."""
        header = self.header(name)
        size = math.prod(header.shape) * header.dtype.itemsize
        if size > (free := free_memory()):
            raise DatasetError(
                f"{self.where}: the array '{name}' takes {size / 2**20:.0f} MB of memory, "
                f"and {free / 2**20:.0f} MB are free"
            )
        try:
            with self._archive.open(self._members[name]) as stream:
                values: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
                stream.read(1)  # zipfile verifies the checksum only when it meets the end
        except MemoryError as error:
            raise DatasetError(f"{self.where}: the array '{name}' does not fit into memory ({error})") from error
        except Exception as error:  # as above
            raise self._damaged(name, error) from error
        return values

    def _checked_header(self, name: str) -> Header:
        info = self._members[name]
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            raise ValueError("it is compressed in a way that NumPy does not write")
        if info.compress_size > self._size or info.file_size > DEFLATE_LIMIT * info.compress_size:
            raise ValueError("the archive announces more data than it holds")
        with self._archive.open(info) as stream:
            start = io.BytesIO(stream.read(LONGEST_HEADER))
            version = npy.read_magic(start)
            if version not in {(1, 0), (2, 0)}:
                raise ValueError(f"unknown format version {version}")
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read(start)
            begin = start.tell()
        if dtype.hasobject:
            raise DatasetError(f"{self.where}: '{name}' holds Python objects; save plain numbers instead")
        if min(shape, default=0) < 0 or begin + math.prod(shape) * dtype.itemsize != info.file_size:
            raise ValueError(f"the header announces {dtype} {shape}, which is not the size of the data")
        return Header(shape, dtype)

    def _damaged(self, name: str, error: Exception) -> DatasetError:
        return DatasetError(f"{self.where}: the array '{name}' is damaged ({_reason(error)})")


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
