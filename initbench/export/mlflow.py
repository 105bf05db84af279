"""MLflow: an experiment of the same name, and in it a run per trial with parameters, metrics by step, and tags.

The tag ``initbench.id`` is a trial's identity: a run that has it, and the same content by ``initbench.content``, is
left as it is; one with other content (a failed trial that was trained again, an export that was cut short) is deleted
and written anew. Without the address of a server a SQLite file is written, MLflow's own default for local use.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
import os
import re
from collections.abc import Iterator

from mlflow import MlflowClient
from mlflow.entities import Metric, Param
from mlflow.entities import Run as Stored
from mlflow.exceptions import MlflowException

from initbench.errors import InitbenchError
from initbench.export._base import Destination, MissingExtraError, Tracker, Written
from initbench.export._runs import Run, runs
from initbench.records import RecordsError, Results

ID, CONTENT = "initbench.id", "initbench.content"
ADDRESS = "MLFLOW_TRACKING_URI"
_LOCAL = ("sqlalchemy", "alembic")  # what MLflow's small distribution needs for a database, and does not bring
_BATCH, _BATCH_OF_PARAMS = 1000, 100  # MLflow's limits of one request
_LONGEST_PARAM, _LONGEST_TAG = 6000, 8000
_FORBIDDEN = re.compile(r"[^\w./ -]")  # in the name of a metric


class Mlflow(Tracker):
    """A tracking server, by ``--uri`` or ``MLFLOW_TRACKING_URI``, or else a database in a folder."""

    def __init__(self, results: Results, destination: Destination) -> None:
        if destination.uri is not None and destination.folder is not None:
            raise InitbenchError("--uri and --out both say where to write; keep one")
        self._results = results
        self._folder = destination.folder or results.path / "mlflow"
        self._uri = destination.uri or (os.environ.get(ADDRESS) if destination.folder is None else None) or ""
        self._is_local = not self._uri
        if self._is_local:
            self._uri = f"sqlite:///{self._folder.resolve() / 'mlflow.db'}"
            self._make_folder()

    @property
    def place(self) -> str:
        """The address of the server or database."""
        return self._uri

    @property
    def opening(self) -> str:
        """The command that shows it."""
        return f"mlflow ui --backend-store-uri {self._uri}" if self._is_local else f"experiment {self._name}"

    @property
    def _name(self) -> str:
        return self._results.manifest.name

    def write(self) -> Iterator[Written]:
        """Write a run per trial, except those that are there already."""
        try:
            yield from self._write()
        except MlflowException as error:
            first = (str(error).splitlines() or [""])[0]
            raise InitbenchError(f"MLflow at {self._uri} refused: {first}") from error

    def _write(self) -> Iterator[Written]:
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)  # tells of every table that it makes
        client = MlflowClient(tracking_uri=self._uri)
        experiment = self._experiment(client)
        stored = _stored(client, experiment)
        total = len(self._results.records.outcomes)
        for done, run in enumerate(runs(self._results), start=1):
            content = _content(run)
            same = [one for one in stored.get(run.id, []) if _is_whole(one, content)]
            for outdated in stored.get(run.id, []):
                if not same or outdated is not same[0]:
                    client.delete_run(outdated.info.run_id)
            if not same:
                _write_run(client, experiment, run, content)
            yield Written(done, total, new=not same)

    def _experiment(self, client: MlflowClient) -> str:
        found = client.get_experiment_by_name(self._name)
        if found is None:
            artifacts = (self._folder.resolve() / "artifacts").as_uri() if self._is_local else None
            return str(client.create_experiment(self._name, artifact_location=artifacts))
        if found.lifecycle_stage != "active":
            raise InitbenchError(
                f"MLflow at {self._uri} holds a deleted experiment {self._name}; restore it, or remove it for good"
            )
        return str(found.experiment_id)

    def _make_folder(self) -> None:
        for package in _LOCAL:
            if importlib.util.find_spec(package) is None:
                raise MissingExtraError("mlflow", package)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RecordsError(f"cannot write {self._folder}: {error.strerror}") from error


TRACKER = Mlflow


def _stored(client: MlflowClient, experiment: str) -> dict[str, list[Stored]]:
    """The runs of earlier exports by the ids of their trials."""
    found: dict[str, list[Stored]] = {}
    page = None
    while page != "":
        answer = client.search_runs([experiment], f"tags.`{ID}` LIKE '%'", max_results=_BATCH, page_token=page)
        for run in answer:
            found.setdefault(run.data.tags[ID], []).append(run)
        page = answer.token or ""
    return found


def _is_whole(stored: Stored, content: str) -> bool:
    """Whether a run was written to its end, with this content."""
    return bool(stored.data.tags.get(CONTENT) == content and stored.info.status != "RUNNING")


def _content(run: Run) -> str:
    """A hash of all that a run holds, but for times, which change when a trial is trained again."""
    finals = {name: value for name, value in run.finals.items() if not name.endswith("seconds")}
    series = {name: [steps.tolist(), values.tolist()] for name, (steps, values) in run.series.items()}
    text = json.dumps([run.name, run.params, run.ends, finals, series], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _write_run(client: MlflowClient, experiment: str, run: Run, content: str) -> None:
    started, ended = _milliseconds(run.started), _milliseconds(run.started + run.finals.get("seconds", 0.0))
    tags = {f"initbench.{name}": str(value)[:_LONGEST_TAG] for name, value in run.ends.items()}
    made = client.create_run(
        experiment, start_time=started, run_name="/".join(run.name), tags={**tags, CONTENT: content}
    )
    key = made.info.run_id
    params = [Param(name, str(value)[:_LONGEST_PARAM]) for name, value in run.params.items()]
    for start in range(0, len(params), _BATCH_OF_PARAMS):
        client.log_batch(key, params=params[start : start + _BATCH_OF_PARAMS])
    metrics = list(_metrics(run))
    for start in range(0, len(metrics), _BATCH):
        client.log_batch(key, metrics=metrics[start : start + _BATCH])
    client.set_terminated(key, "FINISHED" if run.finished else "FAILED", end_time=ended)


def _metrics(run: Run) -> Iterator[Metric]:
    last = 0
    for name, (steps, values) in run.series.items():
        last = max(last, int(steps[-1]))
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            yield Metric(_FORBIDDEN.sub("_", name), value, _milliseconds(run.time(step)), step)
    for name, value in run.finals.items():
        yield Metric(name, value, _milliseconds(run.time(last)), last)


def _milliseconds(seconds: float) -> int:
    return round(1000 * seconds)
