"""A fresh run with progress, for the commands that judge a run rather than keep it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from initbench import report
from initbench.checking import trained
from initbench.cli import console
from initbench.cli.options import Training
from initbench.cli.watch import Watch
from initbench.config import Experiment
from initbench.datasets import data_folder
from initbench.execute import Schedule, execute
from initbench.records import Results
from initbench.report import progress


@contextmanager
def fresh(experiment: Experiment, training: Training) -> Iterator[Results]:
    """The results of training everything anew; with ``keep`` they stay, with their report."""
    resources = training.machines.resources()

    def train(work: Schedule) -> None:
        watch = Watch(work)
        with progress.display(console.err(), quiet=training.quiet) as display:
            for event in execute(work, resources):
                display.show(watch.named(event))

    with trained(
        experiment, data_folder(training.data_dir), train, training.keep, elsewhere=resources.is_elsewhere
    ) as results:
        if training.keep is not None:
            report.write(results)
        yield results
