"""Searches: experiments whose next runs depend on the results of earlier ones.

Nothing below knows of a search. Each round is an experiment like any other: it is planned, executed into the one
results folder, analyzed, and followed by a wider or narrower one, until the question is answered. The last word of a
search is the folder's manifest, which lists the trials of all rounds, so that they are read as one experiment.

*Learning rates* (``lr: auto``). On two seeds of their own, all schemes are trained at a grid of rates, which grows at
either end until every scheme's best rate lies inside. Then all are compared, on the experiment's seeds, at each of the
rates that were best for one of them. A rate at the end of the grid counts as inside if it is not 1 % better than its
neighbor: schemes that do not train do not care for the rate. Trials that failed say nothing of a rate, and are not
tried twice.

*Depths*. The depth is doubled (or halved) until each scheme has one that it trains and one that it does not; the gap is
then bisected until it is a tenth of the depth. It ends early for a scheme whose trials all failed at a depth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from initbench.analysis import cells, outcomes, rates, reach, wording
from initbench.config import Experiment, Observation, Target
from initbench.config.rates import place_of, rate
from initbench.errors import InitbenchError
from initbench.execute import Schedule, schedule
from initbench.inits import Init
from initbench.networks import Network
from initbench.plan import Trial
from initbench.records import FAILED, Manifest, ResultsFolder

SELECTION_SEEDS = 2
LOWEST_RATE, HIGHEST_RATE = 1e-7, 1e3
BETTER = 0.01  # relative gain in train loss that makes a search go on beyond the end of its grid
SHALLOWEST, DEEPEST = 2, 512


@dataclass(frozen=True)
class Place:
    """Where a search keeps its records, where its data lie, and whether machines elsewhere do the training."""

    folder: Path
    data_dir: Path
    elsewhere: bool = False

    def schedule(self, experiment: Experiment) -> Schedule:
        """The schedule of one round."""
        return schedule(experiment, self.folder, self.data_dir, elsewhere=self.elsewhere)


@dataclass(frozen=True)
class Round:
    """What to train next, and what for: a sentence without its period, empty where nothing is searched."""

    work: Schedule
    purpose: str = ""


def rounds(experiment: Experiment, place: Place) -> Iterator[Round]:
    """The rounds of an experiment, one unless it searches: execute each before asking for the next.

    Raises
    ------
    InitbenchError
        The folder cannot be written or the data cannot be read.
    """
    if experiment.searches_rate:
        yield from _best_rates(experiment, place)
    else:
        yield Round(place.schedule(experiment))


def deepest(experiment: Experiment, place: Place) -> Iterator[Round]:
    """Rounds that find the greatest depth each scheme trains, from the experiment's depth on.

    Raises
    ------
    InitbenchError
        The experiment has more than one network, or one without a depth that can be chosen freely.
    """
    start = _depth_of(experiment)
    brackets = {init: Bracket(start) for init in experiment.init}
    done: list[Trial] = []
    while wanted := {init: depth for init, bracket in brackets.items() if (depth := bracket.next) is not None}:
        for depth in dict.fromkeys(wanted.values()):
            schemes = tuple(init for init, asked in wanted.items() if asked == depth)
            work = place.schedule(_at_depth(experiment, schemes, depth))
            known = wording.listing([f"{init.label} ({brackets[init].known})" for init in schemes])
            yield Round(work, f"depth {depth} for {known}")
            trials = _outcomes(work.folder)
            done += work.plan.trials
            for init in schemes:
                own = trials[trials[cells.SCHEME] == init.label].assign(**{reach.AXIS: depth})
                if (own["status"] == FAILED).all():
                    del brackets[init]  # nobody knows on which side of this depth the greatest lies
                    continue
                brackets[init] = brackets[init].narrowed(depth, trained=not math.isnan(reach.greatest(own)["greatest"]))
    done.sort(key=lambda trial: int(trial.columns()[reach.AXIS]))
    _conclude(experiment, place, done, (cells.SCHEME, reach.AXIS))


@dataclass(frozen=True)
class Bracket:
    """Bisection for one scheme: the greatest depth known to train, and the least known not to."""

    start: int
    trains: int | None = None
    fails: int | None = None

    @property
    def next(self) -> int | None:
        """The depth to try next; None where the search is over."""
        if self.trains is None and self.fails is None:
            return self.start
        if self.fails is None:
            assert self.trains is not None  # noqa: S101 - one of the two is known
            return 2 * self.trains if 2 * self.trains <= DEEPEST else None
        if self.trains is None:
            return max(SHALLOWEST, self.fails // 2) if self.fails > SHALLOWEST else None
        gap = self.fails - self.trains
        return self.trains + gap // 2 if gap > max(1, self.trains // 10) else None

    @property
    def known(self) -> str:
        """What the depth to try next follows from, in words."""
        if self.trains is None and self.fails is None:
            return "where the search starts"
        found = [f"trains {self.trains}"] if self.trains is not None else []
        return ", ".join([*found, *([f"does not train {self.fails}"] if self.fails is not None else [])])

    def narrowed(self, depth: int, *, trained: bool) -> Bracket:
        """What is known once ``depth`` has been tried."""
        return Bracket(self.start, depth, self.fails) if trained else Bracket(self.start, self.trains, depth)


def _depth_of(experiment: Experiment) -> int:
    network = experiment.network[0]
    depth = network.options().get("depth")
    if len(experiment.network) > 1 or not isinstance(depth, int):
        found = "several networks" if len(experiment.network) > 1 else f"{network.label}, which has no depth"
        raise InitbenchError(f"found {found}, expected one network with a depth, such as mlp, to find the greatest of")
    return depth


def _at_depth(experiment: Experiment, schemes: Sequence[Init], depth: int) -> Experiment:
    network = experiment.network[0]
    try:
        deeper: Network = type(network).model_validate({**network.options(), "depth": depth})
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise InitbenchError(f"{network.component_name()} cannot be {depth} layers deep ({why})") from error
    return experiment.model_copy(update={"init": tuple(schemes), "network": (deeper,)})


def _best_rates(experiment: Experiment, place: Place) -> Iterator[Round]:
    beyond = max(experiment.seeds) + 1
    chooses = tuple(range(beyond, beyond + SELECTION_SEEDS))
    optimizer = experiment.optimizer[0]
    choosing = experiment.model_copy(update={"seeds": chooses, "observation": _unprobed(experiment.observation)})
    grid = {place_of(one.lr) for one in experiment.optimizer}
    failed: frozenset[str] = frozenset()
    on = f"on {wording.count(SELECTION_SEEDS, 'seed')} that choose the best"
    purpose = f"learning rates {_listed(grid)} {on}"
    while True:
        rungs = tuple(optimizer.model_copy(update={"lr": rate(rung)}) for rung in sorted(grid))
        work = place.schedule(choosing.model_copy(update={"optimizer": rungs}))
        yield Round(replace(work, done=work.done | failed), purpose)
        trials = _outcomes(work.folder)
        failed = frozenset(trials.loc[trials["status"] == FAILED, "id"])
        axes = tuple(axis for axis in work.plan.axes if axis != rates.AXIS)
        schemes = [table for _, table in cells.by_cell(trials, axes)]
        wider = {rung for table in schemes for rung in _beyond(table, grid)}
        if not wider:
            break
        grid |= wider
        purpose = f"also {_listed(wider)} {on}, since a scheme may do better beyond the rates tried"
    best = {place_of(found) for table in schemes if not math.isnan(found := rates.best_rate(table))}
    final = tuple(optimizer.model_copy(update={"lr": rate(rung)}) for rung in sorted(best or grid))
    compared = place.schedule(experiment.model_copy(update={"optimizer": final}))
    yield Round(compared, f"all schemes at {_listed(best or grid)}, the rates that were best for one of them")
    done = sorted([*work.plan.trials, *compared.plan.trials], key=lambda trial: trial.recipe.optimizer.lr)
    _conclude(experiment, place, done, work.plan.axes, chooses)


def _listed(grid: set[int]) -> str:
    return wording.listing([wording.setting(rate(rung)) for rung in sorted(grid)])


def _unprobed(observation: Observation) -> Observation:
    return observation.model_copy(update={"probe": "none"})


def _beyond(trials: pd.DataFrame, grid: set[int]) -> set[int]:
    """The next rate outside the grid where a scheme's best lies at its end, with the gain that makes it worth a try."""
    best, losses = rates.best_rate(trials), rates.losses(trials)
    if math.isnan(best):  # all diverged, or failed
        return _possible(min(grid) - 1) if len(losses) and place_of(losses.index[0]) == min(grid) else set()
    if len(losses) == 1:  # the others failed
        return set()
    if rates.edge(trials, best) == rates.LOWEST and losses.iloc[0] < (1 - BETTER) * losses.iloc[1]:
        return _possible(min(grid) - 1)
    if rates.edge(trials, best) == rates.HIGHEST and losses.iloc[-1] < (1 - BETTER) * losses.iloc[-2]:
        return _possible(max(grid) + 1)
    return set()


def _possible(rung: int) -> set[int]:
    return {rung} if LOWEST_RATE <= rate(rung) <= HIGHEST_RATE else set()


def _outcomes(folder: ResultsFolder) -> pd.DataFrame:
    return outcomes.trials(folder.read())


def _conclude(
    experiment: Experiment,
    place: Place,
    trials: Sequence[Trial],
    axes: tuple[str, ...],
    selection_seeds: tuple[int, ...] = (),
) -> None:
    """Let the folder speak for the whole search: all trials, and the config that was asked for."""
    folder, target = ResultsFolder(place.folder), experiment.target
    folder.write_experiment(experiment.to_yaml())
    folder.write_manifest(_manifest(experiment.name, trials, axes, target, selection_seeds))


def _manifest(
    name: str, trials: Sequence[Trial], axes: tuple[str, ...], target: Target, selection_seeds: tuple[int, ...]
) -> Manifest:
    ids = tuple(trial.id for trial in trials)
    return Manifest(name, ids, axes, target.metric, target.value, selection_seeds)
