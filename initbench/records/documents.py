"""The JSON beside the tables: what it must be like, since whoever reads a folder need not have made it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import to_json

from initbench import naming
from initbench.records.files import RecordsError, write_bytes
from initbench.records.model import SCHEMA_VERSION, Manifest

_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
_MANIFEST = TypeAdapter(Manifest)
_METRICS = ("train_loss", "test_loss", "test_accuracy")


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Store a manifest. Raises RecordsError."""
    write_json(path, {"schema": SCHEMA_VERSION, **asdict(manifest)})


def read_manifest(path: Path) -> Manifest:
    """The manifest in a file that is there. Raises RecordsError."""
    try:
        stored = _OBJECT.validate_json(_content(path))
        version = stored.get("schema")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise RecordsError(f"{path} was written by a newer initbench (schema {version}); upgrade to read it")
        if isinstance(version, bool) or not isinstance(version, int):
            raise RecordsError(f"{path} was not written by initbench, or is damaged (it names no schema version)")
        manifest = _MANIFEST.validate_json(
            to_json({key: stored[key] for key in stored if key != "schema"}), strict=True
        )
    except ValidationError as error:
        raise RecordsError(f"{path} was not written by initbench, or is damaged ({_first(error)})") from error
    except OSError as error:
        raise RecordsError(f"cannot read {path}: {error.strerror}") from error
    if manifest.target_metric not in _METRICS:
        raise RecordsError(f"{path} is damaged: its target is of {manifest.target_metric}, not {' or '.join(_METRICS)}")
    if wrong := naming.fault(manifest.name):
        raise RecordsError(f"{path} is damaged: it names {manifest.name[:40]!r}; {wrong}")
    portion = manifest.portion
    if portion is not None and len(portion.positions) != len(manifest.trials):
        raise RecordsError(
            f"{path} is damaged: it places {len(portion.positions)} trials, and holds {len(manifest.trials)}"
        )
    return manifest


def read_text(path: Path) -> str:
    """The text in a file; none where there is no file. Raises ValueError or OSError."""
    return _content(path).decode() if os.path.lexists(path) else ""


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is no file. Raises ValueError or OSError."""
    if not os.path.lexists(path):
        return {}
    try:
        return dict(_OBJECT.validate_json(_content(path)))
    except ValidationError as error:
        raise ValueError(_first(error)) from error


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Store a JSON object. Raises RecordsError."""
    write_bytes(path, to_json(value, indent=1) + b"\n")


def _content(path: Path) -> bytes:
    """The bytes of a file; of nothing else, since a pipe would be waited on for ever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "no regular file")
    return path.read_bytes()


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, problem["loc"]))
    return f"{where}: {problem['msg']}" if where else problem["msg"]
