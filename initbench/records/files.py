"""Writing files so that nobody ever reads half of one, whatever happens to the writer.

A file is written beside its final name, flushed to the disk and renamed, which on one file system is all or nothing. A
writer that is killed leaves the file beside it, ``.NAME.PID.tmp``: nobody reads it, and ``sweep`` removes it.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from pathlib import Path

import pyarrow as pa

from initbench.errors import InitbenchError

_LEFTOVER = re.compile(r"\..+\.(\d{1,10})\.tmp")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


class RecordsError(InitbenchError):
    """A results folder that cannot be read or written; the message names the path and what to do."""


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises RecordsError."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes | pa.Buffer) -> None:
    """Write beside the final name, flush to the disk, then rename; readable by whom the umask allows.

    Raises
    ------
    RecordsError
        The place cannot be written; what was there before is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.unlink(missing_ok=True)  # what a killed writer of this number left, or a link laid in its place
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RecordsError(f"cannot write {path}: {explained(error)}") from error


def refuse_link(folder: Path) -> None:
    """Refuse to write through a folder that is a link: who made a results folder need not be who writes to it.

    Files need no such care, since a rename takes the place of a link and never follows it. Raises RecordsError.
    """
    if folder.is_symlink():
        raise RecordsError(
            f"{folder} is a link, which would lead outside of {folder.parent}; put a folder in its place"
        )


def settle(folder: Path) -> None:
    """Wait until what was renamed in a folder would survive a loss of power, where the system can tell.

    A rename reaches the disk with its folder, not with its file. Where one file vouches for another, the folder of the
    other has to be flushed in between.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems flush no folders
        pass
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder: files named as ours whose process is gone."""
    try:
        entries = [entry for entry in os.scandir(folder) if entry.is_file(follow_symlinks=False)]
    except OSError:
        return
    for entry in entries:
        if (named := _LEFTOVER.fullmatch(entry.name)) and not _runs(int(named[1])):
            try:
                Path(entry.path).unlink(missing_ok=True)
            except OSError:  # another user's: harmless where it is
                continue


def explained(error: OSError) -> str:
    """What the system said, and what to do about it."""
    said = error.strerror or type(error).__name__
    if error.errno in _FULL:
        return f"{said}; make room"
    if error.errno in _FORBIDDEN:
        return f"{said}; make it writable, or use another folder"
    return said


def _runs(process: int) -> bool:
    """Whether there is such a process on this machine; where that cannot be asked, there is."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # it is another user's, or there is no telling
        return True
    return True
