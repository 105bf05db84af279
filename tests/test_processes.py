"""The server that worker processes are forked from."""

import sys

import pytest

from initbench.processes import IMPORTED, MOST_HANDLES, beginnings


def imported() -> set[str]:
    return set(sys.modules)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a server of processes; others spawn")
def test_a_worker_finds_everything_imported() -> None:
    with beginnings(MOST_HANDLES).Pool(1) as pool:
        assert set(IMPORTED) <= pool.apply(imported)
