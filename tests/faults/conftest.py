"""A server of processes for these tests alone."""

from collections.abc import Iterator
from multiprocessing import forkserver

import pytest


@pytest.fixture(autouse=True, scope="module")
def _server_of_our_own() -> Iterator[None]:
    """The program has one server in each process: ours (``commands``) must not be taken for that of the package."""
    forkserver._forkserver._stop()
    yield
    forkserver._forkserver._stop()
    forkserver.set_forkserver_preload(["__main__"])
