"""The tables on disk: the only code that knows the layout of a results folder.

::

    results/<experiment>/
      experiment.yaml    the resolved config, re-runnable as is
      manifest.json      what this experiment consists of: its trials in order, its axes, its target
      provenance.json    versions, platform, times
      records/           one Parquet file for each table and finished stack; a cache of trials by id
        outcomes/  curves/  layers/
      failures/          the traceback of each stack that failed

Every file is written beside its final name, flushed and renamed, so a reader never sees half a file. A stack's
``outcomes`` come last and are what makes it count: rows of ``curves`` and ``layers`` without them are ignored.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from initbench.errors import InitbenchError

SCHEMA_VERSION = 1
TABLES = ("curves", "layers", "outcomes")  # the order of writing
FAILED = "failed"

_STACK = "_stack"  # while reading: the file that a row came from
_KEYS = {"outcomes": ["id"], "curves": ["id", "step"], "layers": ["id", "step", "layer"]}
_ALWAYS = {name: [*keys, *(["status"] if name == "outcomes" else []), _STACK] for name, keys in _KEYS.items()}


class RecordsError(InitbenchError):
    """A results folder that cannot be read or written; the message names the path and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What an experiment consists of, in plain words that need no torch to read.

    ``trials`` are ids in plan order; ``axes`` the outcome columns along which the trials differ besides the seed, init
    first; ``target_metric`` and ``target_value`` what counts as trained. ``selection_seeds`` chose the learning rates
    and are not used to compare.
    """

    name: str
    trials: tuple[str, ...]
    axes: tuple[str, ...]
    target_metric: str
    target_value: float
    selection_seeds: tuple[int, ...] = ()


@dataclass(frozen=True)
class Records:
    """The three tables. Columns are documented in ``docs/records.md``; a missing value is NaN or None."""

    outcomes: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame

    def of(self, ids: Sequence[str]) -> Records:
        """The rows of these trials, in the order of ``ids``, then step, then layer; of duplicates the first."""
        position = {trial: index for index, trial in enumerate(dict.fromkeys(ids))}

        def ordered(name: str, table: pd.DataFrame) -> pd.DataFrame:
            rows = table[table["id"].isin(position.keys())]
            keys = _KEYS[name]
            order = rows.assign(_position=rows["id"].map(position))
            order = order.sort_values(["_position", *keys[1:]], kind="stable").drop(columns="_position")
            return order.drop_duplicates(keys).reset_index(drop=True)

        return Records(**{name: ordered(name, getattr(self, name)) for name in TABLES})


@dataclass(frozen=True)
class Results:
    """A results folder as read: the experiment's own records, and what was found that could not be used."""

    path: Path
    manifest: Manifest
    records: Records
    experiment: str
    provenance: Mapping[str, Any]
    problems: tuple[str, ...] = field(default=())


class ResultsFolder:
    """One folder under ``results/``: written by the runner, one stack at a time, and read by everybody else."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the folder, or say why it cannot be written."""
        try:
            (self.path / "records").mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise RecordsError(f"cannot write results to {self.path}: {error.strerror}") from error

    def clear(self) -> None:
        """Forget every record (``--fresh``); files that this program did not write stay."""
        for name in TABLES[::-1]:
            for path in sorted((self.path / "records" / name).glob("*.parquet")):
                try:
                    path.unlink()
                except OSError as error:
                    raise RecordsError(f"cannot remove {path}: {error.strerror}") from error

    def write_experiment(self, text: str) -> None:
        """Store the resolved config."""
        write_bytes(self.path / "experiment.yaml", text.encode())

    def write_manifest(self, manifest: Manifest) -> None:
        """Store what the experiment consists of."""
        _write_json(self.path / "manifest.json", {"schema": SCHEMA_VERSION, **asdict(manifest)})

    def write_provenance(self, provenance: Mapping[str, Any]) -> None:
        """Store versions, platform and times."""
        _write_json(self.path / "provenance.json", provenance)

    def append(self, stack: str, records: Records) -> None:
        """Add the rows of one finished stack; ``outcomes`` last, since they are what makes the rest count."""
        for name in TABLES:
            table = pa.Table.from_pandas(getattr(records, name), preserve_index=False)
            table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"schema": b"%d" % SCHEMA_VERSION})
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink)
            write_bytes(self.path / "records" / name / f"{stack}.parquet", sink.getvalue())

    def log_failure(self, stack: str, traceback: str) -> None:
        """Keep the traceback of a stack that failed, for whoever looks into it."""
        write_bytes(self.path / "failures" / f"{stack}.txt", traceback.encode())

    def finished(self) -> frozenset[str]:
        """The ids of trials that need not run again: all with an outcome, except those that failed."""
        outcomes, _ = self._table("outcomes")
        return frozenset(outcomes.loc[outcomes["status"] != FAILED, "id"]) if len(outcomes) else frozenset()

    def read(self) -> Results:
        """The records of the folder's experiment.

        Raises
        ------
        RecordsError
            The folder is not there, or is not a results folder.
        """
        manifest = self._manifest()
        provenance, problems = self._provenance()
        tables = {}
        for name in TABLES:
            tables[name], found = self._table(name)
            problems += found
        best_first = tables["outcomes"].sort_values("status", key=lambda status: status == FAILED, kind="stable")
        tables["outcomes"] = best_first.drop_duplicates("id")
        counted = tables["outcomes"][["id", _STACK]]
        tables = {name: table.merge(counted, on=["id", _STACK]).drop(columns=_STACK) for name, table in tables.items()}
        return Results(
            path=self.path,
            manifest=manifest,
            records=Records(**tables).of(manifest.trials),
            experiment=_read_text(self.path / "experiment.yaml"),
            provenance=provenance,
            problems=tuple(problems),
        )

    def _manifest(self) -> Manifest:
        path = self.path / "manifest.json"
        if not self.path.is_dir():
            raise RecordsError(f"there is no folder {self.path}")
        if not path.is_file():
            raise RecordsError(f"{self.path} is not a results folder: it has no manifest.json")
        try:
            stored = json.loads(path.read_text())
            if stored["schema"] > SCHEMA_VERSION:
                raise RecordsError(f"{path} was written by a newer initbench (schema {stored['schema']}); upgrade")
            return Manifest(
                name=stored["name"],
                trials=tuple(stored["trials"]),
                axes=tuple(stored["axes"]),
                target_metric=stored["target_metric"],
                target_value=stored["target_value"],
                selection_seeds=tuple(stored.get("selection_seeds", ())),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RecordsError(f"{path} is damaged ({error!r}); run the experiment again to write it anew") from error

    def _provenance(self) -> tuple[dict[str, Any], list[str]]:
        path = self.path / "provenance.json"
        try:
            return dict(json.loads(_read_text(path) or "{}")), []
        except (TypeError, ValueError) as error:
            return {}, [f"{path}: unreadable, left alone ({error})"]

    def _table(self, name: str) -> tuple[pd.DataFrame, list[str]]:
        parts, problems = [], []
        for path in sorted((self.path / "records" / name).glob("*.parquet")):
            try:
                parts.append(pq.read_table(path).to_pandas().assign(**{_STACK: path.stem}))
            except (pa.ArrowException, OSError, ValueError) as error:
                problems.append(f"{path}: unreadable, left alone ({_first_line(error)})")
        filled = [part.dropna(axis="columns", how="all") for part in parts if len(part)]
        columns = dict.fromkeys(column for part in parts for column in part.columns)
        columns |= dict.fromkeys(_ALWAYS[name])  # even if no stack came as far as to have them
        table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
        return table.reindex(columns=list(columns)), problems


def read(path: str | Path) -> Results:
    """Read a results folder: ``read("results/deep_relu").records.outcomes``."""
    return ResultsFolder(Path(path)).read()


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    write_bytes(path, text.encode())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _read_text(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    write_bytes(path, (json.dumps(value, indent=1) + "\n").encode())


def write_bytes(path: Path, content: bytes | pa.Buffer) -> None:
    """Write beside the final name, flush to the disk, then rename; readable by whom the umask allows.

    Raises
    ------
    RecordsError
        The place cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RecordsError(f"cannot write {path}: {error.strerror}") from error
