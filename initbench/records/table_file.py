"""One table of one stack as a Parquet file, and whether a file is one of those at all.

A folder may hold anything: files cut short by a full disk, of a newer version, of another program, or made by somebody
who wishes no good. Every file is therefore checked before it is believed: its footer for the schema version, for the
columns and their types, and for a size that it can honestly have; its pages by their checksums; its keys for gaps.
Nothing in a file is run: the metadata of pandas, which names types to build, is not looked at.
"""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from initbench.records.files import write_bytes
from initbench.records.model import KEYS, SCHEMA_VERSION, STATUSES

VERSION_KEY = b"schema"

_TEXT = {
    "id",
    "init",
    "network",
    "activation",
    "dataset",
    "optimizer",
    "schedule",
    "dtype",
    "status",
    "reason",
    "traceback",
    "first_bad_layer",
    "name",
    "task",
    "torch",
    "device",
}
_WHOLE = {"step", "layer", "seed", "data_seed"}
_REQUIRED = {
    "outcomes": ["id", "status", "init", "seed", "data_seed"],
    "curves": ["id", "step", "train_loss", "learning_rate"],
    "layers": ["id", "step", "layer", "name"],
}
_FILLED = {**KEYS, "outcomes": _REQUIRED["outcomes"]}  # columns without gaps
_MOST_BYTES_PER_BYTE = 1000  # columns of equal values shrink a lot, yet not more than this
_SMALL = 2**28  # bytes of a table that no size of file makes suspicious


class Unusable(Exception):  # noqa: N818 - what is wrong with a file, for people
    """A file that is no table of this program, or not one that it can read: ``str`` says why."""


def write(path: Path, table: pd.DataFrame) -> None:
    """Write a table of a stack. Small files are most of a folder, so what they need not say is left out."""
    columns = pa.Table.from_pandas(table, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        columns.schema,
        compression="zstd",
        use_dictionary=False,
        write_statistics=False,
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        writer.write_table(columns)
        writer.add_key_value_metadata({VERSION_KEY: b"%d" % SCHEMA_VERSION})
    write_bytes(path, sink.getvalue())


def read(path: Path, name: str) -> pd.DataFrame:
    """The table ``name`` of a stack. Raises Unusable."""
    table: pd.DataFrame = load(path, name).to_pandas(ignore_metadata=True)
    return table


def load(path: Path, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The table ``name`` of a stack, as it is stored; or these of its columns, beside those that it must have.

    Raises Unusable.
    """
    wanted = None if columns is None else [*_REQUIRED[name], *columns]
    try:
        with _opened(path, name) as file:
            table = file.read(wanted, use_threads=False)  # files are small: a thread for each column takes longer
            table.validate(full=True)  # such as that text is text
            if len(table):
                _check_values(table, name)
            return table
    except Unusable:
        raise
    except Exception as error:  # there is no list of what a crafted file makes a reader raise
        raise Unusable(f"unreadable, left alone ({_first_line(error)})") from error


def check(path: Path, name: str) -> None:
    """See by its footer that a file is the table ``name`` of a stack. Raises Unusable."""
    try:
        _opened(path, name).close()
    except Unusable:
        raise
    except Exception as error:
        raise Unusable(f"unreadable, left alone ({_first_line(error)})") from error


def is_own(path: Path, name: str) -> bool:
    """Whether this program wrote the file and nothing has damaged it since, so that it may be replaced or removed."""
    try:
        read(path, name)
    except Unusable:
        return False
    return not path.is_symlink()


def _opened(path: Path, name: str) -> pq.ParquetFile:
    found = path.stat()  # of what a link leads to
    if not stat.S_ISREG(found.st_mode):
        raise Unusable("no regular file, left alone")  # a folder, or a pipe that would be waited on for ever
    file = pq.ParquetFile(path, page_checksum_verification=True, pre_buffer=False)
    try:
        _check_footer(file, name, found.st_size)
    except BaseException:
        file.close()
        raise
    return file


def _check_footer(file: pq.ParquetFile, name: str, size: int) -> None:
    stored = (file.metadata.metadata or {}).get(VERSION_KEY, b"")
    if not stored.isdigit():
        raise Unusable("not written by initbench, left alone")
    if int(stored) > SCHEMA_VERSION:
        raise Unusable(f"written by a newer initbench (schema {int(stored)}), left alone; upgrade to read it")
    rows, columns = file.metadata.num_rows, file.metadata.num_columns
    if 8 * rows * columns > _SMALL + _MOST_BYTES_PER_BYTE * size:
        raise Unusable(f"{rows} rows are more than its {size} bytes can hold, left alone")
    schema = file.schema_arrow
    if len(set(schema.names)) < len(schema.names):
        raise Unusable("a column is there twice, left alone")
    lacking = [column for column in (_REQUIRED[name] if rows else KEYS[name][:1]) if column not in schema.names]
    if lacking:
        raise Unusable(f"not a table of {name}, left alone (it has no column {lacking[0]})")
    for column in schema if rows else ():  # nothing has a type where there is nothing
        if not pa.types.is_null(column.type) and not _fits(column.name, column.type):
            raise Unusable(f"not a table of {name}, left alone (column {column.name} holds {column.type})")


def _fits(column: str, kind: pa.DataType) -> bool:
    """Whether a column may hold values of this kind. Options, of dotted names, may be of any plain kind."""
    text: bool = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    number: bool = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if column in _TEXT:
        return text
    if column in _WHOLE:
        return bool(pa.types.is_integer(kind))
    return number or ("." in column and bool(text or pa.types.is_boolean(kind)))


def _check_values(table: pa.Table, name: str) -> None:
    gaps = [column for column in _FILLED[name] if table[column].null_count]
    if gaps:
        raise Unusable(f"not a table of {name}, left alone (column {gaps[0]} has gaps)")
    if name == "outcomes":
        strange = set(table["status"].unique().to_pylist()) - set(STATUSES)
        if strange:
            raise Unusable(f"not a table of {name}, left alone (a trial's status is {min(strange)})")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
