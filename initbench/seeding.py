"""Every random draw of the program: a generator for each (seed, purpose, name).

The global generator is never read or set. Weights are keyed by the parameter's name, so that changing the depth of a
network or the scheme of one layer moves no other draw; batches are keyed by the data seed, so that every scheme sees
the same batches in the same order.
"""

from __future__ import annotations

import hashlib

from torch import Generator


def generator(seed: int, purpose: str = "", name: str = "") -> Generator:
    """A fresh CPU generator that depends on its arguments alone, in any process and on any machine."""
    return Generator().manual_seed(derived_seed(seed, purpose, name))


def derived_seed(seed: int, purpose: str, name: str = "") -> int:
    """A 63-bit seed for one purpose: neighbouring seeds and names give unrelated streams."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
