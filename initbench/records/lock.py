"""One run at a time in a results folder.

The lock is the kernel's, on the open file ``DIR/.lock``: it goes when its process goes, however that ends. The file
itself stays, empty, since removing it would let two runs lock two files of one name.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from initbench.records.files import RecordsError

NAME = ".lock"


@contextmanager
def locked(folder: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """Hold a folder that exists; a thread that holds it already may do so again.

    ``tell`` is given a sentence where the file system knows no locks: such a folder is used all the same, since every
    file in it is written whole and a trial that is there twice is counted once.

    Raises
    ------
    RecordsError
        Another run holds the folder.
    """
    lock = FileLock(folder / NAME, timeout=0, is_singleton=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of filelock, about what is said below in words of our own
            lock.acquire()
    except Timeout as error:
        raise RecordsError(
            f"another run is writing to {folder}: wait until it has ended, or choose another folder with --out DIR"
        ) from error
    except (OSError, NotImplementedError) as error:
        tell(f"{folder} cannot be locked ({error}); make sure that no other run writes to it meanwhile")
        yield
        return
    try:
        yield
    finally:
        lock.release()
