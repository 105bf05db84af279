"""Parts of one experiment, put together in one folder.

Files are copied as they are, so what is read from the whole is what an undivided run would have written. Sources are
only read. A trial that several folders hold counts once; one that failed in a folder gives way to its records in
another. Merging again copies what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from initbench.records import documents, table_file
from initbench.records.files import RecordsError, explained, settle, write_bytes
from initbench.records.folder import ResultsFolder
from initbench.records.model import FAILED, TABLES, Manifest, Portion

OF_A_RUN = {"command", "started_at", "seconds", "workers", "threads", "executor"}
"""What a provenance says of one run, rather than of where its numbers come from."""


@dataclass(frozen=True)
class Source:
    """A folder that holds records of the experiment, and what it says of itself."""

    path: Path
    manifest: Manifest
    experiment: str
    provenance: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Source:
        """A results folder, without its tables. Raises RecordsError."""
        folder = ResultsFolder(path)
        manifest = folder.manifest()
        try:
            experiment = documents.read_text(path / "experiment.yaml")
            provenance = documents.read_json(path / "provenance.json")
        except (OSError, ValueError) as error:
            raise RecordsError(f"{path}: experiment.yaml or provenance.json is unreadable ({error})") from error
        return cls(path, manifest, experiment, provenance)

    @property
    def name(self) -> str:
        """How people know it: by its shard, or by its place."""
        portion = self.manifest.portion
        return f"shard {portion.shards[0]}" if portion is not None and len(portion.shards) == 1 else str(self.path)


@dataclass(frozen=True)
class Merged:
    """What a merge came to: the whole, or what is missing from it, in sentences; and files that could not be used."""

    manifest: Manifest
    missing: tuple[str, ...]
    problems: tuple[str, ...]


def merge(paths: Sequence[Path], out: Path, tell: Callable[[str], None] = lambda _: None) -> Merged:
    """Put the records of folders together in the folder ``out``, which may hold some of them already.

    Raises
    ------
    RecordsError
        A folder is not of the same experiment as the first (the message says what differs), or cannot be used.
    """
    given = {path.resolve(): path for path in paths}
    given.pop(out.resolve(), None)
    if not given:
        raise RecordsError(f"there is nothing to merge into {out}: name the folders of the parts")
    sources = [Source.read(path) for path in given.values()]
    for source in sources[1:]:
        _refuse_another(sources[0], source)
    target = ResultsFolder(out)
    with target.locked(tell):
        if (out / "manifest.json").is_file():
            sources.insert(0, Source.read(out))
            _refuse_another(sources[1], sources[0])
        manifest = _whole(sources)
        target.write_manifest(manifest)
        target.write_experiment(sources[-1].experiment)
        target.write_provenance(_origins(sources, out))
        problems = _copy(sources, out, frozenset(manifest.trials))
        finished = target.finished()
    return Merged(manifest, tuple(_missing(sources, manifest, finished, out)), tuple(problems))


def _refuse_another(first: Source, other: Source) -> None:
    """See that two folders are of one experiment. Raises RecordsError."""
    about = f"{other.path} and {first.path} are not of one experiment"
    ours, theirs = (_settings(source) for source in (first, other))
    different = [key for key in {**ours, **theirs} if key != "name" and ours.get(key) != theirs.get(key)]
    if different:
        key = different[0]
        raise RecordsError(f"{about}: {key} is {theirs.get(key)!r} and {ours.get(key)!r}")
    one, two = first.manifest.portion, other.manifest.portion
    if one is None or two is None:
        return
    for key in {**one.basis, **two.basis}:
        if one.basis.get(key) != two.basis.get(key):
            raise RecordsError(f"{about}: {key} differ: {two.basis.get(key)} and {one.basis.get(key)}")
    if one.planned != two.planned:
        raise RecordsError(f"{about}: they plan {two.planned} and {one.planned} trials")


def _settings(source: Source) -> dict[str, Any]:
    try:
        read = yaml.safe_load(source.experiment)
    except yaml.YAMLError as error:
        raise RecordsError(f"{source.path / 'experiment.yaml'} is damaged: it is not YAML") from error
    if not isinstance(read, dict):
        raise RecordsError(f"{source.path / 'experiment.yaml'} is missing or damaged")
    return read


def _whole(sources: Sequence[Source]) -> Manifest:
    """The manifest of all together; it is that of an undivided run once no trial is missing. Raises RecordsError."""
    placed: dict[int, str] = {}
    for source in sources:
        portion, trials = source.manifest.portion, source.manifest.trials
        for position, trial in zip(range(len(trials)) if portion is None else portion.positions, trials, strict=True):
            if placed.setdefault(position, trial) != trial:
                raise RecordsError(
                    f"{source.path} and {sources[0].path} are not of one experiment: trial {position + 1} is {trial} "
                    f"and {placed[position]}; were they trained on other samples, or by another version of initbench?"
                )
    first = sources[0].manifest
    portions = [source.manifest.portion for source in sources if source.manifest.portion is not None]
    trials = tuple(placed[position] for position in sorted(placed))
    if not portions or len(placed) == portions[0].planned:
        return replace(first, trials=trials, portion=None)
    shards = tuple(dict.fromkeys(shard for portion in portions for shard in portion.shards))
    return replace(first, trials=trials, portion=replace(portions[0], shards=shards, positions=tuple(sorted(placed))))


def _origins(sources: Sequence[Source], out: Path) -> dict[str, Any]:
    """Where the numbers come from: the machine of the first source, and the run of each."""
    origins: dict[str, Any] = {key: value for key, value in sources[0].provenance.items() if key not in OF_A_RUN}
    runs = dict(origins.get("merged", {}))
    for source in sources:
        if source.path != out:
            runs[str(source.path)] = {key: value for key, value in source.provenance.items() if key in OF_A_RUN}
    return {**origins, "merged": runs}


def _copy(sources: Sequence[Source], out: Path, wanted: frozenset[str]) -> list[str]:
    """Copy each stack's files from the folder where fewest of its trials failed; return what is wrong with others."""
    best: dict[str, tuple[int, Path]] = {}
    problems: list[str] = []
    for source in sources:
        for path, outcomes in _stacks(source, problems):
            failed = int((outcomes["status"] == FAILED).sum())
            if not wanted.isdisjoint(outcomes["id"]) and (path.stem not in best or failed < best[path.stem][0]):
                best[path.stem] = failed, path
    for _, path in best.values():
        for name in TABLES:  # outcomes last: they are what makes the rest count
            _write(_beside(path, name), out / "records" / name / path.name)
    logs = {log.name: log for source in sources[::-1] for log in (source.path / "failures").glob("[!.]*.txt")}
    for name, log in logs.items():
        _write(log, out / "failures" / name)
    return problems


def _stacks(source: Source, problems: list[str]) -> Iterator[tuple[Path, pd.DataFrame]]:
    """The outcomes of each stack whose three files are whole; of others, the problem."""
    for path in sorted((source.path / "records" / "outcomes").glob("[!.]*.parquet")):
        try:
            outcomes = table_file.read(path, "outcomes")
            for name in TABLES[:-1]:
                table_file.check(_beside(path, name), name)
        except table_file.Unusable as error:
            problems.append(f"{path}, or a file of the same name beside it: {error}")
        else:
            yield path, outcomes


def _beside(path: Path, name: str) -> Path:
    """The file of another table of the same stack."""
    return path.parent.with_name(name) / path.name


def _write(path: Path, target: Path) -> None:
    try:
        content = path.read_bytes()
        if target.is_file() and target.read_bytes() == content:
            return
    except OSError as error:
        raise RecordsError(f"cannot read {path}: {explained(error)}") from error
    write_bytes(target, content)
    settle(target.parent)


def _missing(sources: Sequence[Source], manifest: Manifest, finished: frozenset[str], out: Path) -> Iterator[str]:
    open_trials = set(manifest.trials) - finished
    for source in sorted(sources, key=lambda source: source.path == out):  # what no other source answers for
        own = open_trials & set(source.manifest.trials)
        if own:
            yield f"{source.name}: {len(own)} of {len(source.manifest.trials)} trials failed, or have no records yet"
        open_trials -= own
    if manifest.portion is not None:
        absent = manifest.portion.planned - len(manifest.trials)
        yield f"{_absent(manifest.portion)}: {absent} of {manifest.portion.planned} trials are missing"


def _absent(portion: Portion) -> str:
    """The shards that are not there, if all were cut alike."""
    counts = {shard.partition("/")[2] for shard in portion.shards}
    if len(counts) > 1:
        return f"the shards {', '.join(portion.shards)} are not the whole"
    of = counts.pop()
    lacking = [shard for number in range(1, int(of) + 1) if (shard := f"{number}/{of}") not in portion.shards]
    return f"shard{'s' * (len(lacking) > 1)} {', '.join(lacking)} not merged yet"
