"""The Python API, stage by stage what the command line does: experiments in, comparisons with DataFrames out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from initbench import report, search
from initbench.analysis import Comparison, analyze
from initbench.analysis.propagation import Diagnosis, diagnose
from initbench.analysis.signflip import pairs_needed
from initbench.checking import baseline, check
from initbench.config import ConfigError, Experiment, Problem, load, load_text, parse_components, template
from initbench.datasets import data_folder
from initbench.errors import InitbenchError
from initbench.execute import Resources, execute, material_of
from initbench.execute.propagation import propagate
from initbench.gate import Report, Tolerance
from initbench.inits import INITS
from initbench.records import Results, ResultsFolder
from initbench.records import read as read_records

RESULTS = Path("results")
"""Where results folders are made unless another place is asked for."""

PROBE_SEEDS = 10

__all__ = [
    "RESULTS",
    "Comparison",
    "Diagnosis",
    "Experiment",
    "Report",
    "Results",
    "Tolerance",
    "baseline",
    "check",
    "compare",
    "load",
    "probe",
    "read",
    "run",
    "schemes_compared",
]


def run(
    config: str | Path | Experiment,
    *,
    out: str | Path | None = None,
    fresh: bool = False,
    workers: int | None = 1,
    data_dir: str | Path | None = None,
    reference: str | None = None,
) -> Comparison:
    """Run an experiment and compare its schemes; trials that the folder ``out`` already holds are not trained again.

    Parameters
    ----------
    config
        A YAML file, the name of a shipped config, or what ``load`` returned.
    out
        The results folder; ``results/NAME`` by default. Tables, figures and the report are written there.
    fresh
        Forget the folder's records and train all anew.
    workers
        Processes that train at once. The default, 1, trains in this process, as a notebook needs it. With more (None
        stands for one per core) a script has to call this under ``if __name__ == "__main__":``.
    data_dir
        The folder of downloaded data.
    reference
        The scheme that the others are held against; the first by default.

    Returns
    -------
    Comparison
        ``.schemes``, ``.trials``, ``.contrasts`` and ``.profiles`` are DataFrames, ``.sentence`` the verdict;
        ``.results.records`` holds the tables of records: ``outcomes``, ``curves``, ``layers``.

    Raises
    ------
    InitbenchError
        The config, the data or the folder cannot be used; the message says why. A trial that fails or diverges raises
        nothing: it is a row of ``.trials``.
    """
    data = data_folder(Path(data_dir) if data_dir is not None else None)
    experiment = config if isinstance(config, Experiment) else load(config, data_dir=data)
    folder = Path(out) if out is not None else RESULTS / experiment.name
    with ExitStack() as held:
        for number, step in enumerate(search.rounds(experiment, search.Place(folder, data))):
            work = step.work
            if number == 0:
                held.enter_context(work.folder.locked(warnings.warn))
                if fresh:
                    work = replace(work, done=frozenset())
                    work.folder.clear()
            for _event in execute(work, Resources(workers=workers)):
                pass
        return report.write(ResultsFolder(folder).read(), reference)


def compare(
    *schemes: str,
    config: str | Path | None = None,
    overrides: Sequence[str] = (),
    out: str | Path | None = None,
    workers: int | None = 1,
    data_dir: str | Path | None = None,
    reference: str | None = None,
) -> Comparison:
    """Compare schemes, written inline, on the default experiment: ``compare("he", "normal[std=0.01]")``.

    ``config`` names another experiment whose schemes these replace; ``overrides`` change its values, as in
    ``["network.depth=30", "seeds=3"]``. The rest is as in ``run``, and so are the errors.
    """
    data = data_folder(Path(data_dir) if data_dir is not None else None)
    experiment = schemes_compared(schemes, config, overrides, data)
    return run(experiment, out=out, workers=workers, data_dir=data, reference=reference)


def probe(
    *schemes: str, config: str | Path | None = None, overrides: Sequence[str] = (), data_dir: str | Path | None = None
) -> tuple[Diagnosis, ...]:
    """Diagnose schemes before training, by theory and measurement: ``probe("he", overrides=["network.depth=50"])``.

    Without schemes those of ``config`` are probed, over 10 seeds unless ``overrides`` say otherwise. Each diagnosis has
    ``.verdict``, ``.forward`` and ``.backward``, the ``.standing`` that theory gives, and a DataFrame ``.profile`` with
    a row per layer.

    Raises
    ------
    InitbenchError
        The config or the data cannot be used, the experiment describes more than one network, or a scheme cannot fill
        it.
    """
    data = data_folder(Path(data_dir) if data_dir is not None else None)
    changes = [f"seeds={PROBE_SEEDS}", *overrides]
    if schemes or config is None:
        experiment = schemes_compared(schemes or ("he", "xavier"), config, changes, data)
    else:
        experiment = load(config, changes, data)
    return diagnosed(experiment, data)


def diagnosed(experiment: Experiment, data_dir: Path) -> tuple[Diagnosis, ...]:
    """The diagnoses of an experiment's schemes. Raises InitbenchError."""
    found = propagate(experiment, material_of(experiment.dataset[0], data_dir), data_dir)
    if found.refused:
        raise InitbenchError("\n".join(f"{init}: {reason}" for init, reason in found.refused.items()))
    return diagnose(found.results, found.standings, found.closed)


def read(path: str | Path) -> Comparison:
    """What a results folder holds, compared anew; the tables of records are in ``.results.records``.

    Raises
    ------
    InitbenchError
        The path is no results folder.
    """
    return analyze(read_records(path))


def schemes_compared(
    schemes: Sequence[str], config: str | Path | None, overrides: Sequence[str], data_dir: Path | None
) -> Experiment:
    """The experiment of ``compare``; without a config, with seeds enough to decide. Raises InitbenchError."""
    labels = _labels(schemes)
    for override in overrides:
        if override.partition("=")[0].strip() == "init":
            raise InitbenchError(f"--set {override}: the command has its schemes already; leave this out")
    named = f"init={', '.join(labels)}"
    try:
        if config is None:
            enough = f"seeds={pairs_needed(len(labels) - 1)}"
            return load_text(template("compare"), "compare.yaml", [enough, named, *overrides], data_dir)
        return load(config, ["name=compare", named, *overrides], data_dir)
    except ConfigError as error:
        raise ConfigError(_unplaced(problem, f"--set {named}") for problem in error.problems) from error


def _labels(schemes: Sequence[str]) -> tuple[str, ...]:
    """The label of each scheme, in order. Raises InitbenchError where one is given twice."""
    given: dict[str, str] = {}
    for text in (scheme.strip() for scheme in schemes):
        for component in parse_components(text, INITS):
            label = component.label
            if label in given:
                raise InitbenchError(_twice(text, given[label], label))
            given[label] = text
    return tuple(given)


def _twice(text: str, before: str, label: str) -> str:
    if text == before:
        return f"{text} is given twice; once is enough"
    if text == label:
        return f"{text} is given already, as {before}"
    return f"{text} is another name of {label}, which is given already"


def _unplaced(problem: Problem, override: str) -> Problem:
    """A problem of the schemes without the override that set them, which nobody typed."""
    return (
        replace(problem, place=replace(problem.place, origin=""), key="")
        if problem.place.origin == override
        else problem
    )
