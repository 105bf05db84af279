"""The IDX format of MNIST: a magic number with type and rank, big-endian sizes, then the values.

The four bytes of the magic number are 0, 0, the type (8 for unsigned bytes) and the number of dimensions; each size
takes four bytes. LeCun, Cortes and Burges, "The MNIST database of handwritten digits", section "File formats".
"""

from __future__ import annotations

import math
import struct

import numpy as np
from numpy.typing import NDArray

from initbench.datasets._base import DatasetError

UNSIGNED_BYTE = 8


def parse_idx(content: bytes, dimensions: int, where: str) -> NDArray[np.uint8]:
    """The array of unsigned bytes in an unzipped IDX file, as a view of ``content``; ``where`` names it in messages.

    Raises
    ------
    DatasetError
        The magic number is another, or the sizes announced are not those of the content.
    """
    begin = 4 + 4 * dimensions
    magic = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if not content.startswith(magic):
        raise DatasetError(
            f"{where} is no IDX file: it begins with {content[:4].hex() or 'nothing'}, not {magic.hex()}"
        )
    if len(content) < begin:
        raise DatasetError(f"{where} is truncated: {len(content)} bytes, its header alone takes {begin}")
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    if len(content) != begin + math.prod(shape):
        sizes, announced = " x ".join(map(str, shape)), begin + math.prod(shape)
        fault = "truncated" if len(content) < announced else "too long"
        raise DatasetError(f"{where} is {fault}: its header announces {sizes}, {announced} bytes; found {len(content)}")
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)
