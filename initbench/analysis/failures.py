"""Failures: why a trial did not reach its target, read off the probes.

The states ``dead`` and ``symmetric`` refine what ``outcomes`` calls slow or stalled:

- ``symmetric``: from the first probe to the last, the units of a hidden layer have the same incoming weights. They
  compute the same function, get the same gradient, and stay the same.
- ``dead``: in the last probe at least 99 % of the units of a hidden layer give every sample the same activation,
  although the signal reached that layer at first.

The evidence of a trial is the first thing out of bounds in the hidden layers: the earliest probe that shows any, and in
it the layer that a signal meets first (for gradients, which travel backward, the one nearest to the output).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from initbench.analysis import wording
from initbench.records import FAILED

VANISHED = 1e-12  # variance of a signal or a gradient below which nothing can be learned from it
EXPLODED = 1e6  # variance beyond which a signal, standardized where it entered, is out of all bounds
DEAD = 0.99  # share of a layer's units
ALIKE = 1e-6  # share of the weights' second moment that sets units apart: below, it is the rounding of float32
TAIL = 0.25  # share of a run, at its end, over which the loss is called falling or flat
MOVED = 0.01  # relative change over that share

STALL = 0.01  # relative distance from chance, or from the start, that counts as not having moved

COLUMNS = ("bad_step", "bad_layer", "evidence")
_TOLD = ("id", "state", "reason", "diverged_step", "first_bad_layer", "outputs", "task")


@dataclass(frozen=True)
class _Bound:
    """One way in which a hidden layer is out of bounds, and how that is said."""

    column: str
    broken: Callable[[pd.Series], pd.Series]
    words: str
    backward: bool = False


_BOUNDS = {
    "symmetric": _Bound("unit_diversity", lambda v: v < ALIKE, "all units have the same weights"),
    "exploded": _Bound(
        "preact_variance", lambda v: (v > EXPLODED) | (v == math.inf), "pre-activation variance above 1e6"
    ),
    "vanished": _Bound("activation_variance", lambda v: v < VANISHED, "activation variance below 1e-12"),
    "no gradient": _Bound("grad_variance", lambda v: v < VANISHED, "gradient variance below 1e-12", backward=True),
    "gradient exploded": _Bound(
        "grad_variance", lambda v: (v > EXPLODED) | (v == math.inf), "gradient variance above 1e6", backward=True
    ),
    "dead": _Bound("dead_fraction", lambda v: v >= DEAD, "dead units (99 % or more)"),
}
_EXPLAINS = {"symmetric": "symmetric", "dead": "dead", "diverged": "exploded"}  # a state that one of them stands for

Rows = NDArray[Any]
Said = tuple[int | None, str | None, str | None]
"""A step, the name of a layer, and a clause."""


def refined(trials: pd.DataFrame, layers: pd.DataFrame) -> pd.Series:
    """The ``state`` of each trial, slow and stalled ones told apart as ``dead`` or ``symmetric`` where they are."""
    hidden = _hidden(layers)
    if hidden.empty:
        return trials["state"]
    steps = hidden.groupby("id")["step"]
    first, last = hidden[hidden["step"] == steps.transform("min")], hidden[hidden["step"] == steps.transform("max")]
    place = ["id", "layer"]
    started = first.set_index(place)
    ended = last.set_index(place)
    alike = (started["unit_diversity"] < ALIKE) & (ended["unit_diversity"] < ALIKE)
    died = (ended["dead_fraction"] >= DEAD) & (started["activation_variance"] >= VANISHED)
    state = trials["state"].copy()
    for name, layer_is in {"dead": died, "symmetric": alike}.items():
        concerned = set(layer_is[layer_is].index.get_level_values("id"))
        state = state.mask(trials["id"].isin(concerned) & trials["state"].isin(["slow", "stalled"]), name)
    return state


def evidence(trials: pd.DataFrame, layers: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """What speaks for the state of each trial: ``bad_step``, ``bad_layer`` (its name) and ``evidence``, a clause.

    Nothing is said of a trial that converged; a trial whose layers all stayed within bounds has a clause but no step
    and no layer. Indexed as ``trials``.
    """
    told = trials.loc[~trials["state"].isin(["converged", FAILED]), "id"]
    probed = _probed(_hidden(layers[layers["id"].isin(told)]))
    logged = _logged(curves[curves["id"].isin(told)].dropna(subset=["train_loss"]))
    found = [
        _said({str(key): value for key, value in row.items()}, probed.get(str(row["id"])), logged.get(str(row["id"])))
        for row in trials[[*_TOLD]].to_dict("records")
    ]
    return pd.DataFrame(found, columns=list(COLUMNS), index=trials.index, dtype=object)


@dataclass(frozen=True)
class _Probed:
    """The hidden layers of a trial at its probes: a row for each, and for each bound whether it is broken there."""

    steps: Rows
    layers: Rows
    names: Rows
    broken: Mapping[str, Rows]


def _probed(hidden: pd.DataFrame) -> dict[str, _Probed]:
    """By trial."""
    steps, layers, names = (hidden[column].to_numpy() for column in ("step", "layer", "name"))
    broken = {name: bound.broken(hidden[bound.column]).to_numpy() for name, bound in _BOUNDS.items()}
    return {
        str(trial): _Probed(
            steps[rows], layers[rows], names[rows], {name: flags[rows] for name, flags in broken.items()}
        )
        for trial, rows in hidden.groupby("id", sort=False).indices.items()
    }


def _logged(curves: pd.DataFrame) -> dict[str, tuple[Rows, Rows]]:
    """Steps and losses by trial."""
    steps, losses = curves["step"].to_numpy(), curves["train_loss"].to_numpy(dtype=float)
    return {str(trial): (steps[rows], losses[rows]) for trial, rows in curves.groupby("id", sort=False).indices.items()}


def _hidden(layers: pd.DataFrame) -> pd.DataFrame:
    """All layers but the output, whose units differ by their labels and whose scale follows other rules."""
    wanted = ["id", "step", "layer", "name", *dict.fromkeys(bound.column for bound in _BOUNDS.values())]
    table = layers.reindex(columns=wanted)
    return table[table["layer"] < table.groupby("id")["layer"].transform("max")]


def _said(trial: Mapping[str, Any], probed: _Probed | None, logged: tuple[Rows, Rows] | None) -> Said:
    if trial["state"] == "converged":
        return None, None, None
    reason = trial["reason"].partition("\n")[0] if isinstance(trial["reason"], str) else None
    if trial["state"] == FAILED:
        return None, None, reason
    bad = _first_bad(probed, trial["state"]) if probed is not None else None
    if bad:
        return bad
    if trial["state"] == "diverged":
        step, layer = trial["diverged_step"], trial["first_bad_layer"]
        return None if pd.isna(step) else int(step), layer if isinstance(layer, str) else None, reason
    return None, None, _trend(trial, *logged) if logged is not None else None


def _first_bad(probed: _Probed, state: str) -> Said | None:
    """The earliest probe with a layer out of bounds, or with what the state stands for."""
    earliest = {name: int(probed.steps[rows].min()) for name, rows in probed.broken.items() if rows.any()}
    name = _EXPLAINS.get(state, "")
    if name not in earliest:
        earliest.pop("symmetric", None)  # a layer of equal units at one probe need not stay so
        if not earliest:
            return None
        name = min(earliest, key=lambda candidate: earliest[candidate])
    here = np.flatnonzero(probed.steps == earliest[name])
    here = here[np.argsort(probed.layers[here], kind="stable")]
    bad = probed.broken[name][here]
    spot = int(np.flatnonzero(bad)[-1 if _BOUNDS[name].backward else 0])
    where = _extent(probed.layers[here], bad, spot, backward=_BOUNDS[name].backward)
    return earliest[name], str(probed.names[here[spot]]), f"{_BOUNDS[name].words} {where} at step {earliest[name]}"


def _extent(layers: np.ndarray, bad: np.ndarray, spot: int, *, backward: bool) -> str:
    """``in layer 9``, or ``from layer 9 down`` where all layers beyond it share the fault."""
    if bad.sum() == 1:
        return f"in layer {layers[spot]}"
    if bad.all():
        return "in every hidden layer"
    beyond = bad[: spot + 1] if backward else bad[spot:]
    way = "down" if backward else "up"
    return f"from layer {layers[spot]} {way}" if beyond.all() else f"first in layer {layers[spot]}, {way}"


def _trend(trial: Mapping[str, Any], steps: Rows, losses: Rows) -> str | None:
    """How the train loss moved over the last quarter of a run; of a stalled one, where it stayed."""
    if len(losses) < 2:  # one row cannot move
        return None
    before = np.flatnonzero(steps <= steps[-1] * (1 - TAIL))
    start = int(before[-1]) if len(before) else 0
    change = 1 - losses[-1] / losses[start] if losses[start] else 0.0
    moved = "still falling" if change > MOVED else "rising" if change < -MOVED else "flat"
    if trial["state"] == "stalled":
        chance = math.log(trial["outputs"]) if trial["task"] == "classification" else math.nan
        stays = abs(losses[-1] - chance) <= STALL * chance
        moved = f"at chance (ln {trial['outputs']:.0f})" if stays else "hardly lower than at first"
    values = " to ".join(wording.significant(float(loss)) for loss in (losses[start], losses[-1]))
    return f"train loss {moved}, {values} since step {int(steps[start])}"
