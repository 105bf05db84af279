"""TensorBoard: a run per trial, with its scalars by step and its options as hyperparameters.

The event files are written with TensorBoard's own messages and record format, without TensorFlow or torch. A scalar of
TensorBoard has single precision: a variance below 1.4e-45 is zero there.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from tensorboard.plugins.hparams import (  # type: ignore[import-untyped]
    api_pb2,
    metadata,
    plugin_data_pb2,
    summary_v2,
)
from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

from initbench.export._base import Destination, Tracker, Written, folder_alone
from initbench.export._runs import SEEDS, Run, runs
from initbench.records import RecordsError, Results, write_bytes

FILE = "events.out.tfevents.initbench"  # TensorBoard reads what has "tfevents" in its name
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]')  # in the name of a folder, on one system or another


class TensorBoard(Tracker):
    """A log directory with a folder per experiment, scheme, setting and seed.

    Each folder holds one event file of a fixed name, written whole: a second export replaces it. Those of trials that
    the experiment no longer has are removed; files of other programs stay.
    """

    def __init__(self, results: Results, destination: Destination) -> None:
        self._results = results
        self._folder = folder_alone(destination, results.path / "tensorboard")

    @property
    def place(self) -> str:
        """The log directory."""
        return str(self._folder)

    @property
    def opening(self) -> str:
        """The command that shows it."""
        return f"tensorboard --logdir {self._folder}"

    def write(self) -> Iterator[Written]:
        """Write a run per trial."""
        own = self._folder / _safe(self._results.manifest.name)
        written = set()
        total = len(self._results.records.outcomes)
        for done, run in enumerate(runs(self._results), start=1):
            path = own.joinpath(*map(_safe, run.name), FILE)
            write_bytes(path, _encoded(run))
            written.add(path)
            yield Written(done, total)
        _forget(own, written)


TRACKER = TensorBoard


def _safe(name: str) -> str:
    """A name as a folder may have it; dots alone would lead elsewhere."""
    found = _FORBIDDEN.sub("_", name).rstrip(". ")
    return found or "_"


def _encoded(run: Run) -> bytes:
    """The event file of a run; the same for the same run."""
    sink = io.BytesIO()
    records = RecordWriter(sink)
    records.write(Event(wall_time=run.started, file_version="brain.Event:2").SerializeToString())
    for event in (_beginning(run), *_scalars(run), _end(run)):
        records.write(event.SerializeToString())
    return sink.getvalue()


def _scalars(run: Run) -> Iterator[Event]:
    """An event for each step, with every value that there is."""
    points: dict[int, list[tuple[str, float]]] = {}
    for name, (steps, values) in run.series.items():
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            points.setdefault(step, []).append((name, value))
    if "steps_to_target" in run.finals:
        points.setdefault(max(points, default=0), []).append(("steps_to_target", run.finals["steps_to_target"]))
    for step in sorted(points):
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in points[step]])
        yield Event(wall_time=run.time(step), step=step, summary=summary)


def _beginning(run: Run) -> Event:
    """The hyperparameters. Trials that differ in their seeds alone are a group, whose metrics TensorBoard averages."""
    options = {name: value for name, value in run.params.items() if name not in SEEDS}
    group = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()
    return Event(wall_time=run.started, summary=summary_v2.hparams_pb(options, group, run.started))


def _end(run: Run) -> Event:
    status = api_pb2.STATUS_SUCCESS if run.finished else api_pb2.STATUS_FAILURE
    end = run.started + run.finals.get("seconds", 0.0)
    data = plugin_data_pb2.HParamsPluginData(
        session_end_info=plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=end)
    )
    value = Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=metadata.create_summary_metadata(data))
    return Event(wall_time=end, summary=Summary(value=[value]))


def _forget(folder: Path, written: set[Path]) -> None:
    """Remove the event files of earlier exports that are not among those written, and the folders they leave empty."""
    try:
        for path in set(folder.rglob(FILE)) - written:
            path.unlink()
            for parent in path.parents:
                if parent == folder or any(parent.iterdir()):
                    break
                parent.rmdir()
    except OSError as error:
        raise RecordsError(f"cannot remove {error.filename}: {error.strerror}") from error
