"""Many small tables, a file for each stack, as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import pyarrow as pa

STACK = "_stack"
"""The column that names the file that a row came from."""


def joined(parts: Mapping[str, pa.Table], always: Sequence[str]) -> pd.DataFrame:
    """The rows of all stacks, each with its stack; ``always`` are columns to have even if no stack came that far.

    A column that holds nothing in one stack may be of any type in another. All are put together before pandas sees
    them: to convert a thousand files one by one takes longer than everything else.
    """
    filled = {stack: _filled(part) for stack, part in parts.items() if len(part)}
    named = [part.append_column(STACK, _repeated(stack, len(part))) for stack, part in filled.items()]
    columns = dict.fromkeys(column for part in parts.values() for column in part.column_names)
    columns |= dict.fromkeys(always)
    return _concatenated(named).reindex(columns=list(columns))


def _concatenated(parts: list[pa.Table]) -> pd.DataFrame:
    if not parts:
        return pd.DataFrame()
    try:
        whole = pa.concat_tables(parts, promote_options="permissive").unify_dictionaries()
    except (pa.ArrowInvalid, pa.ArrowTypeError):  # an option that is a number in one stack and a text in another
        return pd.concat([_in_pandas(part) for part in parts], ignore_index=True)
    return _in_pandas(whole)


def _in_pandas(table: pa.Table) -> pd.DataFrame:
    found: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return found


def _filled(part: pa.Table) -> pa.Table:
    """The columns that hold something."""
    return part.select([name for name in part.column_names if part[name].null_count < len(part)])


def _repeated(text: str, times: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), times), [text])
