"""The baseline file: what a run measured, small enough to review and stable enough to diff.

One JSON object: a version, the config as it was run with its hash, where the numbers come from, and for each scheme
and setting the per-seed numbers of ``measured.Cell``, one list a line. A number is written as the shortest decimal
that reads back to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import Field, ValidationError, model_validator

from initbench.errors import InitbenchError
from initbench.gate.measured import Cell, Frozen, measured
from initbench.records import Results, write_text

VERSION = 1
FORMAT = "initbench baseline"
HASH_LENGTH = 16
LARGEST_FILE = 64 * 2**20  # bytes; a thousand times what a baseline takes

SAME_NUMBERS = ("torch", "numpy", "system", "cpu", "device", "threads")
"""The entries of the provenance on which the last bits of a number depend."""


class BaselineError(InitbenchError):
    """A baseline that cannot be used; the message says why."""


class Baseline(Frozen):
    """A baseline, as read from its file or taken from a run."""

    format: str = FORMAT
    version: int = VERSION
    name: str
    config_hash: str
    config: tuple[str, ...]
    target: str
    provenance: dict[str, str | int | None]
    schemes: tuple[Cell, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Baseline:
        if self.config_hash != hash_of(self.config_text):
            raise ValueError("config_hash does not belong to this config: one of them was edited")
        if len(self.cells) < len(self.schemes):
            raise ValueError("schemes: a scheme occurs twice in one setting")
        return self

    @property
    def config_text(self) -> str:
        """The config that was run, as YAML."""
        return "\n".join(self.config) + "\n"

    @property
    def cells(self) -> Mapping[tuple[str, str], Cell]:
        """The cells by scheme and setting."""
        return {cell.place: cell for cell in self.schemes}

    def text(self) -> str:
        """The file's content."""
        return _json(self.model_dump(mode="json")) + "\n"

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises RecordsError where it cannot be written."""
        write_text(path, self.text())


def baseline_of(results: Results) -> Baseline:
    """The baseline that a run makes."""
    manifest = results.manifest
    return Baseline(
        name=manifest.name,
        config_hash=hash_of(results.experiment.rstrip("\n") + "\n"),
        config=tuple(results.experiment.rstrip("\n").split("\n")),
        target=f"{manifest.target_metric} {manifest.target_value:g}",
        provenance=origin(results.provenance),
        schemes=measured(results),
    )


def read_baseline(path: Path) -> Baseline:
    """Read and check a baseline file.

    Raises
    ------
    BaselineError
        It is not there, not JSON, cut off, written by a newer version, or holds what no run can have measured.
    """
    try:
        stored = json.loads(_content(path), parse_constant=_refuse)
    except OSError as error:
        raise BaselineError(
            f"{path}: cannot be read: {error.strerror}; make one with initbench baseline CONFIG -o {path}"
        ) from error
    except UnicodeDecodeError as error:
        raise BaselineError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise BaselineError(
            f"{path}:{error.lineno}: not JSON, or cut off: {error.msg[0].lower()}{error.msg[1:]}"
        ) from error
    except ValueError as error:
        raise BaselineError(f"{path}: {error}") from error
    except RecursionError as error:
        raise BaselineError(f"{path}: not a baseline: nested too deep") from error
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise BaselineError(f"{path}: not a baseline: expected an object with format '{FORMAT}'")
    version = stored.get("version")
    if not isinstance(version, int) or version < 1:
        raise BaselineError(f"{path}: version: found {json.dumps(version)[:40]}, expected {VERSION}")
    if version > VERSION:
        raise BaselineError(
            f"{path}: written by a newer initbench (baseline version {version}, known up to {VERSION}); upgrade"
        )
    try:
        return Baseline.model_validate(stored)
    except ValidationError as error:
        raise BaselineError("\n".join(f"{path}: {line}" for line in _lines(error))) from error


def origin(provenance: Mapping[str, Any]) -> dict[str, str | int | None]:
    """Where numbers come from, as far as a reader of a baseline needs to know."""
    versions = provenance.get("versions", {})
    return {
        **{name: versions.get(name) for name in ("initbench", "python", "torch", "numpy")},
        "system": str(provenance.get("platform", "")).partition("-")[0],
        **{name: provenance.get(name) for name in ("cpu", "device", "threads", "git_commit")},
        "made_at": provenance.get("started_at"),
    }


def hash_of(config: str) -> str:
    """The hash of a config's text."""
    return hashlib.sha256(config.encode()).hexdigest()[:HASH_LENGTH]


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise BaselineError(f"{path}: larger than {LARGEST_FILE // 2**20} MiB, which no baseline needs")
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"found {constant}, expected finite numbers, or null where there is none")


def _lines(error: ValidationError) -> list[str]:
    """What is wrong, one line for each of the first few problems."""
    lines = []
    for details in error.errors(include_url=False)[:5]:
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in details["loc"]).lstrip(".")
        text = details["msg"].removeprefix("Value error, ")
        lines.append(f"{where}: {text[0].lower()}{text[1:]}" if where else text)
    return lines


def _json(value: object, indent: int = 0) -> str:
    """JSON with one key a line, and lists of numbers or single words on one line each."""
    if isinstance(value, dict) and value:
        entries = [f"{json.dumps(key)}: {_json(item, indent + 1)}" for key, item in value.items()]
        return _block("{", entries, "}", indent)
    if isinstance(value, list) and any(isinstance(item, dict) or " " in str(item) for item in value):
        return _block("[", [_json(item, indent + 1) for item in value], "]", indent)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _block(start: str, entries: list[str], end: str, indent: int) -> str:
    pad = "  " * indent
    return start + "\n" + ",\n".join(f"{pad}  {entry}" for entry in entries) + f"\n{pad}{end}"
