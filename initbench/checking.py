"""The stages of a check: does the baseline belong to the config, train all afresh, judge.

``initbench.check`` and ``initbench.baseline`` do what the commands of these names do, from Python.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

import pandas as pd

from initbench.analysis import wording
from initbench.config import ConfigError, Experiment, load, load_text
from initbench.config.problems import shown
from initbench.config.reading import read_document
from initbench.datasets import data_folder
from initbench.errors import InitbenchError
from initbench.events import Event
from initbench.execute import Resources, Schedule, execute, schedule
from initbench.gate import Baseline, BaselineError, Report, Tolerance, baseline_of, judge, read_baseline
from initbench.gate.measured import places
from initbench.plan import plan
from initbench.records import RecordsError, Results

UNCOMPARED = ("name", "device", "expect")
"""The keys of a config that change no number that a baseline holds."""

SEEDS = ("seeds", "data_seed")

Train = Callable[[Schedule], None]
"""Whatever trains a schedule to its end: with a progress display, or without."""


def check(
    config: str | Path | Experiment,
    baseline: str | Path | None = None,
    *,
    tolerance: Tolerance | None = None,
    workers: int | None = 1,
    data_dir: str | Path | None = None,
) -> Report:
    """Train an experiment afresh and hold it to a baseline file and to what its config expects.

    Parameters
    ----------
    config
        A YAML file, the name of a shipped config, or what ``load`` returned.
    baseline
        The file that ``initbench baseline`` wrote. Without one, the config's ``expect:`` alone is checked.
    tolerance
        Margin, metrics and strictness; by default a margin of 10 %.
    workers
        Processes that train at once. The default, 1, trains in this process.
    data_dir
        The folder of downloaded data.

    Returns
    -------
    Report
        ``.findings`` one by one, ``.regressions`` those that fail, ``.sentence``, and ``.exit_code`` as of the command.

    Raises
    ------
    InitbenchError
        The config or the baseline cannot be used, or they do not belong together.
    """
    data = data_folder(Path(data_dir) if data_dir is not None else None)
    experiment = config if isinstance(config, Experiment) else load(config, data_dir=data)
    before = matching_baseline(Path(baseline), experiment, data) if baseline is not None else None
    something_to_hold_to(experiment, before)
    with trained(experiment, data, lambda work: _train(work, workers)) as results:
        return judge(results, before, dict(experiment.expect), tolerance or Tolerance())


def baseline(
    config: str | Path | Experiment,
    out: str | Path,
    *,
    workers: int | None = 1,
    data_dir: str | Path | None = None,
) -> Baseline:
    """Train an experiment afresh and write its baseline to the file ``out``; the arguments are those of ``check``.

    Raises
    ------
    InitbenchError
        The config cannot be used, a trial failed, or the file cannot be written.
    """
    data = data_folder(Path(data_dir) if data_dir is not None else None)
    experiment = config if isinstance(config, Experiment) else load(config, data_dir=data)
    expect_writable(Path(out))
    with trained(experiment, data, lambda work: _train(work, workers)) as results:
        made = complete_baseline(results)
    made.write(Path(out))
    return made


@contextmanager
def trained(
    experiment: Experiment, data_dir: Path, train: Train, keep: Path | None = None, *, elsewhere: bool = False
) -> Iterator[Results]:
    """The results of a fresh run, in the folder ``keep`` or in one that is gone afterwards.

    ``elsewhere`` says that other machines train, whose devices this one need not have.
    """
    with TemporaryDirectory(prefix="initbench-") as temporary:
        folder = keep or Path(temporary) / experiment.name
        work = replace(schedule(experiment, folder, data_dir, elsewhere=elsewhere), done=frozenset())
        with work.folder.locked():
            if keep is not None:
                work.folder.clear()
            train(work)
            results = work.folder.read()
        yield results


def complete_baseline(results: Results) -> Baseline:
    """The baseline of a run without a failed trial. Raises NotMeasured."""
    missing = len(results.manifest.trials) - int((results.records.outcomes["status"] != "failed").sum())
    if missing:
        reasons = results.records.outcomes.get("reason", pd.Series(dtype=object)).dropna()
        why = f" ({reasons.iloc[0]})" if len(reasons) else ""
        raise NotMeasured(f"{wording.count(missing, 'trial')} failed{why}, and a baseline holds all; none was written")
    return baseline_of(results)


class NotMeasured(InitbenchError):  # noqa: N818 - what happened, not what is wrong with the input
    """A run gave no complete result."""


def expect_writable(path: Path) -> None:
    """Refuse a file that could not be written once everything is trained. Raises RecordsError."""
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with TemporaryFile(dir=next(folder for folder in path.absolute().parents if folder.exists())):
            pass
    except OSError as error:
        raise RecordsError(f"cannot write {path}: {error.strerror}") from error


def something_to_hold_to(experiment: Experiment, baseline: Baseline | None) -> None:
    """Refuse a check that could not fail. Raises BaselineError."""
    if baseline is None and not experiment.expect:
        raise BaselineError(
            "there is nothing to check: give --baseline FILE (see initbench baseline), or expect: in the config"
        )


def matching_baseline(path: Path, experiment: Experiment, data_dir: Path, *, other_seeds: bool = False) -> Baseline:
    """Read a baseline and see that it belongs to the experiment, and that nothing is missing from it.

    Raises
    ------
    BaselineError
        It is damaged, of another config, or lacks a scheme or a seed; the message names what differs.
    """
    found = read_baseline(path)
    try:
        stored = load_text(found.config_text, f"{path}, its config", (), data_dir)
    except ConfigError as error:
        raise BaselineError(str(error)) from error
    _refuse_gaps(path, found, stored, data_dir)
    _refuse_another_config(path, stored, experiment, other_seeds)
    return found


def _refuse_another_config(path: Path, stored: Experiment, experiment: Experiment, other_seeds: bool) -> None:
    before, now = (read_document(each.to_yaml(), "").value for each in (stored, experiment))
    ignored = {*UNCOMPARED, *(SEEDS if other_seeds else ())}
    different = [key for key in {**before, **now} if key not in ignored and before.get(key) != now.get(key)]
    if not different:
        return
    lines = [f"{path}: {key}: the baseline has {_told(before, now, key)}" for key in different]
    hint = "--update accepts the config as it is now"
    if set(different) <= set(SEEDS):
        hint += ", --seeds compares with other seeds"
    raise BaselineError("\n".join(lines) + f"; the baseline is of another config; {hint}")


def _told(before: dict[str, object], now: dict[str, object], key: str) -> str:
    """Both values of a key; of two components of the same name, the options that differ."""
    old, new = before.get(key), now.get(key)
    if isinstance(old, dict) and isinstance(new, dict):
        names = [name for name in {**old, **new} if old.get(name) != new.get(name)]
        return ", ".join(f"{name} {shown(old.get(name))}, the config {shown(new.get(name))}" for name in names)
    if isinstance(old, list) and isinstance(new, list):
        gone, added = ([item for item in one if item not in other] for one, other in ((old, new), (new, old)))
        return f"{_items(gone)}, the config {_items(added)}"
    return f"{shown(old)}, the config {shown(new)}"


def _items(items: list[object]) -> str:
    """List items in a few words: components by name and options."""
    words = [
        str(item["name"]) + "".join(f" {key}={shown(value)}" for key, value in item.items() if key != "name")
        if isinstance(item, dict) and "name" in item
        else shown(item)
        for item in items
    ]
    return wording.listing(words) or "none of that"


def _refuse_gaps(path: Path, found: Baseline, stored: Experiment, data_dir: Path) -> None:
    """A baseline holds every scheme and seed of its own config, unless somebody took them out."""
    planned = plan(stored, data_dir)
    held = sum(len(cell.seeds) for cell in found.schemes)
    looked_at = planned.trials[: held + 1]  # of trials that all differ one more than it holds shows a gap, if any
    wanted = places(pd.DataFrame([trial.columns() for trial in looked_at]), planned.axes)
    for place, keys in wanted.items():
        label = ", ".join(filter(None, place))
        if place not in found.cells:
            raise BaselineError(f"{path}: schemes: {label} is missing, which the baseline's own config trains")
        missing = sorted(keys - set(found.cells[place].keys))
        if missing:
            seeds = wording.listing(sorted({str(seed) for seed, _ in missing}))
            raise BaselineError(f"{path}: schemes: {label} has no seed {seeds}, which the baseline's own config trains")
    extra = [cell.label for cell in found.schemes if cell.place not in wanted]
    if extra:
        raise BaselineError(f"{path}: schemes: found {extra[0]}, which the baseline's own config does not train")


def _train(work: Schedule, workers: int | None) -> None:
    events: Iterator[Event] = execute(work, Resources(workers=workers))
    for _event in events:
        pass
