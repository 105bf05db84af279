"""A results folder: written by the runner, one stack at a time, and read by everybody else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pandas as pd
import pyarrow as pa

from initbench.records import documents, table_file
from initbench.records.files import RecordsError, explained, refuse_link, settle, sweep, write_bytes
from initbench.records.joining import STACK, joined
from initbench.records.lock import locked
from initbench.records.model import FAILED, KEYS, TABLES, Manifest, Records, Results

_ALWAYS = {name: [*keys, *(["status"] if name == "outcomes" else []), STACK] for name, keys in KEYS.items()}

DOCUMENTS = (
    *("experiment.yaml", "provenance.json"),
    *("report.html", "report.md", "summary.csv", "contrasts.csv", "layers.csv"),
)
"""The files of a results folder whose names others may use too."""


class ResultsFolder:
    """One folder under ``results/``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the folder and clear away what killed writers left in it.

        Raises
        ------
        RecordsError
            It cannot be written, or it holds files of these names that this program did not write.
        """
        try:
            for folder in self._folders:
                refuse_link(folder.parent)
                refuse_link(folder)
                folder.mkdir(parents=True, exist_ok=True)
            refuse_link(self.path / "failures")
            with TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise RecordsError(f"cannot write results to {self.path}: {explained(error)}") from error
        self._refuse_foreign()
        for folder in (self.path, *self._folders, self.path / "failures", self.path / "figures"):
            sweep(folder)
        for folder in (self.path / "records", self.path, self.path.parent):
            settle(folder)

    @contextmanager
    def locked(self, tell: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Make the folder and hold it against other runs. Who holds it already may do so again.

        ``tell`` is given a sentence where the file system has no locks.

        Raises
        ------
        RecordsError
            Another run holds it, or it cannot be written.
        """
        self.create()
        with locked(self.path, tell):
            yield

    def clear(self) -> None:
        """Forget every record (``--fresh``); files that this program did not write, or cannot read, stay."""
        for name in TABLES[::-1]:
            for path in self._files(name)[0]:
                if table_file.is_own(path, name):
                    try:
                        path.unlink()
                    except OSError as error:
                        raise RecordsError(f"cannot remove {path}: {explained(error)}") from error
            settle(self.path / "records" / name)  # outcomes are gone for good before what they vouch for

    def write_experiment(self, text: str) -> None:
        """Store the resolved config."""
        write_bytes(self.path / "experiment.yaml", text.encode())

    def write_manifest(self, manifest: Manifest) -> None:
        """Store what the experiment consists of."""
        documents.write_manifest(self.path / "manifest.json", manifest)

    def write_provenance(self, provenance: Mapping[str, Any]) -> None:
        """Store versions, platform and times."""
        documents.write_json(self.path / "provenance.json", provenance)

    def append(self, stack: str, records: Records) -> None:
        """Add the rows of one finished stack.

        ``outcomes`` come last, since they are what makes the rest count, and not before the rest is on the disk.
        """
        free = next(name for name in _names(stack) if self._is_free(name))
        for name in TABLES:
            folder = self.path / "records" / name
            table_file.write(folder / f"{free}.parquet", getattr(records, name))
            settle(folder)

    def log_failure(self, stack: str, traceback: str) -> None:
        """Keep the traceback of a stack that failed, for whoever looks into it."""
        write_bytes(self.path / "failures" / f"{stack}.txt", traceback.encode())

    def finished(self) -> frozenset[str]:
        """The ids of trials that need not run again: those in all three tables, except the ones that failed.

        Of ``outcomes`` a few columns are read, of ``curves`` and ``layers`` the footers alone: the rest takes too long
        where the folder is large.
        """
        found: set[str] = set()
        for path in self._files("outcomes")[0]:
            try:
                table = table_file.load(path, "outcomes", columns=())
                for name in TABLES[:-1]:
                    table_file.check(path.parent.with_name(name) / path.name, name)
            except table_file.Unusable:
                continue
            rows = table.select(["id", "status"]).to_pylist()
            found.update(row["id"] for row in rows if row["status"] != FAILED)
        return frozenset(found)

    def manifest(self) -> Manifest:
        """What the folder says it consists of. Raises RecordsError."""
        path = self.path / "manifest.json"
        if not self.path.is_dir():
            raise RecordsError(f"there is no folder {self.path}")
        if not os.path.lexists(path):
            raise RecordsError(f"{self.path} is not a results folder: it has no manifest.json")
        return documents.read_manifest(path)

    def command(self) -> str:
        """The command that trained last, as far as anybody can read it."""
        command = self._provenance()[0].get("command")
        return command if isinstance(command, str) else ""

    def read(self) -> Results:
        """The records of the folder's experiment.

        Raises
        ------
        RecordsError
            The folder is not there, or is not a results folder.
        """
        manifest = self.manifest()
        provenance, problems = self._provenance()
        experiment, found = self._experiment()
        problems += found
        parts = {}
        for name in TABLES[::-1]:  # outcomes first: what they vouch for is there, even while a run goes on
            parts[name], found = self._parts(name)
            problems += found
        whole = [stack for stack in parts["outcomes"] if all(stack in parts[name] for name in TABLES)]
        tables = {name: joined(parts[name], _ALWAYS[name]) for name in TABLES}
        ranked = tables["outcomes"]
        ranked = ranked.assign(_failed=ranked["status"] == FAILED, _torn=~ranked[STACK].isin(whole))
        best = ranked.sort_values(["_failed", "_torn"], kind="stable").drop_duplicates("id")
        tables["outcomes"] = best.drop(columns=["_failed", "_torn"])
        counted = pd.Series(best[STACK].astype(object).to_numpy(), index=best["id"].astype(object))
        tables = {
            name: table[table[STACK] == counted.reindex(table["id"].astype(object)).to_numpy()].drop(columns=STACK)
            for name, table in tables.items()
        }
        _check_axes(self.path, manifest, tables["outcomes"])
        return Results(
            path=self.path,
            manifest=manifest,
            records=Records(**tables).of(manifest.trials),
            experiment=experiment,
            provenance=provenance,
            problems=tuple(problems),
        )

    @property
    def _folders(self) -> list[Path]:
        return [self.path / "records" / name for name in TABLES]

    def _files(self, name: str) -> tuple[list[Path], list[str]]:
        """The files that may be the table ``name`` of a stack, and why there are none."""
        folder = self.path / "records" / name
        try:
            return sorted(path for path in folder.iterdir() if path.suffix == ".parquet" and path.name[0] != "."), []
        except FileNotFoundError:
            return [], []
        except OSError as error:
            return [], [f"{folder}: unreadable, left alone ({error.strerror})"]

    def _is_free(self, stack: str) -> bool:
        """Whether files of this name may be written: they are new, or whole files of this program's."""
        for folder in self._folders:
            path = folder / f"{stack}.parquet"
            if os.path.lexists(path) and not table_file.is_own(path, folder.name):
                return False
        return True

    def _refuse_foreign(self) -> None:
        """Refuse to write over documents that this program did not write, or that something has damaged since."""
        manifest = self.path / "manifest.json"
        advice = "it is left alone: move it away, or choose another folder with --out DIR"
        if os.path.lexists(manifest):
            try:
                documents.read_manifest(manifest)
            except RecordsError as error:
                raise RecordsError(f"{error}; {advice}") from error
            _, unreadable = self._provenance()
            _, illegible = self._experiment()
            for problem in (*unreadable, *illegible):
                raise RecordsError(f"{problem}: move it away, then give the same command again")
            return
        for name in DOCUMENTS:
            if os.path.lexists(self.path / name):
                raise RecordsError(f"{self.path} is not a results folder, but has a file {name}; {advice}")

    def _provenance(self) -> tuple[dict[str, Any], list[str]]:
        path = self.path / "provenance.json"
        try:
            return documents.read_json(path), []
        except (OSError, ValueError) as error:
            return {}, [f"{path}: unreadable, left alone ({error})"]

    def _experiment(self) -> tuple[str, list[str]]:
        path = self.path / "experiment.yaml"
        try:
            return documents.read_text(path), []
        except (OSError, ValueError) as error:
            return "", [f"{path}: unreadable, left alone ({error})"]

    def _parts(self, name: str) -> tuple[dict[str, pa.Table], list[str]]:
        """The table ``name`` of each stack that can be read, and what is wrong with the others."""
        parts = {}
        paths, problems = self._files(name)
        for path in paths:
            try:
                parts[path.stem] = table_file.load(path, name)
            except table_file.Unusable as error:
                problems.append(f"{path}: {error}")
        return parts, problems


def _names(stack: str) -> Iterator[str]:
    """The stack's own name, then others for where that is taken by a file that is not to be touched."""
    yield stack
    yield from (f"{stack}-{number}" for number in count(2))


def _check_axes(folder: Path, manifest: Manifest, outcomes: pd.DataFrame) -> None:
    unknown = [axis for axis in manifest.axes if axis not in outcomes.columns]
    if len(outcomes) and unknown:
        raise RecordsError(f"{folder / 'manifest.json'} is damaged: no trial has its axis {unknown[0]}")
