"""Diagnoses before training, for people and for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from initbench.analysis import layers, wording
from initbench.analysis.propagation import CHANGED, Diagnosis, Direction
from initbench.in_terminal import Column, Fitted, Role
from initbench.theory import Standing

MOST_ROWS = 12  # of a scheme's table; beyond, layers evenly spaced over the depth
ANY_DEPTH = "any"
_OUTSIDE = "*"
_ROUNDING = 1e-9  # of a band without width, as at the output, where the gradient is known

_STYLES = {"healthy": "green", "vanishing": "red", "exploding": "red", "dead": "bold red", "symmetric": "bold red"}
_JSON_COLUMNS = {
    **{name: f"{name}_mean" for name in ("weight_std", "weight_mean", "dead_fraction", "saturated_fraction")},
    **{
        name: f"{name}_geomean"
        for measured in layers.PREDICTED
        for name in (measured, *(f"predicted_{measured}{end}" for end in ("", "_low", "_high")))
    },
    **{name: name for name in (f"measured_over_predicted_{measured}" for measured in layers.PREDICTED)},
}


def as_json(diagnoses: Sequence[Diagnosis], seeds: int) -> str:
    """One object with a list ``schemes``; null for what is unknown, or infinite (a depth scale on the critical line).

    Variances are geometric means over the seeds, fractions and weight statistics arithmetic ones.
    """
    schemes = [_plain_scheme(diagnosis) for diagnosis in diagnoses]
    return json.dumps({"seeds": seeds, "schemes": schemes}, indent=2, ensure_ascii=False, allow_nan=False)


def render(diagnoses: Sequence[Diagnosis], seeds: int, about: str) -> Group:
    """The summary, a table of layers for each scheme, and a sentence each."""
    parts: list[RenderableType] = [Text(f"{about}, before training", style="bold"), _summary(diagnoses), Text()]
    for diagnosis in diagnoses:
        parts += [*_layers(diagnosis), Text()]
    parts.append(
        Text(
            f"Geometric means over {wording.count(seeds, 'seed')}; fractions arithmetic. Predicted from the weights as "
            "drawn, ÷: measured over predicted, * outside the band that holds 95 % of single networks of this width, "
            "– no prediction (or zero over zero), sat.: saturated. Vanishing and exploding: the "
            f"variance has changed by a factor of {CHANGED:,.0f}.",
            style="dim",
        )
    )
    parts.append(Text())
    parts += [Text.assemble((diagnosis.init, "bold"), f": {sentence(diagnosis)}") for diagnosis in diagnoses]
    return Group(*parts)


def sentence(diagnosis: Diagnosis) -> str:
    """The diagnosis in words: what happens, and what theory says of it."""
    if diagnosis.verdict in ("dead", "symmetric"):
        return happening(diagnosis)
    return f"{happening(diagnosis)} {_standing(diagnosis.standing)}".strip()


def happening(diagnosis: Diagnosis) -> str:
    """What happens to signal and gradient, with the rates."""
    if diagnosis.verdict in ("dead", "symmetric"):
        return _hopeless(diagnosis)
    ways = (("the signal", diagnosis.forward, "forward"), ("the gradient", diagnosis.backward, "backward"))
    bad = [_trouble(what, way) for what, way, _ in ways if way.first_bad_layer]
    rates = wording.listing([f"{wording.factor(way.rate)} {name}" for _, way, name in ways if math.isfinite(way.rate)])
    per_layer = f" ({rates} per layer)" if rates else ""
    return f"{wording.listing(bad)}{per_layer}." if bad else f"healthy{per_layer}."


def _hopeless(diagnosis: Diagnosis) -> str:
    way = diagnosis.forward if diagnosis.forward.first_bad_layer else diagnosis.backward
    if diagnosis.verdict == "symmetric":
        return f"symmetric from {way.first_bad_layer} on: all units have the same weights, and stay alike."
    what = "nearly all units say the same for every input" if way is diagnosis.forward else "no gradient arrives"
    return f"dead from {way.first_bad_layer} on: {what}."


def _trouble(what: str, way: Direction) -> str:
    return f"{what} {'vanishes' if way.verdict == 'vanishing' else 'explodes'} by {way.first_bad_layer}"


def _standing(standing: Standing | None) -> str:
    if standing is None:
        return ""
    chi1 = f"χ₁ = {wording.significant(standing.chi1)}"
    if standing.phase == "critical":
        return f"{chi1}, critical: depth is no obstacle."
    reach = f", trains to about {depth(standing)} layers" if standing.trainable_depth is not None else ""
    gain = f"; weights {wording.factor(standing.critical_gain)} would be critical" if standing.critical_gain else ""
    return f"{chi1}, {standing.phase}{reach}{gain}."


def depth(standing: Standing | None) -> str:
    """The depth to which such a network trains, in words."""
    if standing is None or standing.trainable_depth is None:
        return wording.MISSING
    reach = standing.trainable_depth
    return ANY_DEPTH if math.isinf(reach) else f"{reach:,.0f}" if reach >= 10 else wording.significant(reach, 2)


def _summary(diagnoses: Sequence[Diagnosis]) -> Fitted:
    known = [one.standing for one in diagnoses]
    forward, forward_rate = _directions([one.forward for one in diagnoses])
    backward, backward_rate = _directions([one.backward for one in diagnoses])
    columns = (
        Column("scheme", tuple(Text(one.init) for one in diagnoses), Role.NAME),
        Column("forward", forward),
        _numbers("per\nlayer", forward_rate),
        Column("backward", backward),
        _numbers("per\nlayer", backward_rate),
        _numbers("χ₁", (wording.significant(one.chi1) if one else wording.MISSING for one in known), spare=1),
        _numbers("trains\nto\ndepth", map(depth, known), spare=3),
        _numbers("critical\ngain", map(_gain, known), spare=2),
    )
    return Fitted(columns, "--json has all")


def _numbers(heading: str, cells: Iterable[str], spare: int = 0) -> Column:
    return Column(heading, tuple(map(Text, cells)), Role.NUMBER, spare)


def _gain(standing: Standing | None) -> str:
    gain = standing.critical_gain if standing else None
    return wording.factor(gain) if gain else wording.MISSING


def _directions(ways: Sequence[Direction]) -> tuple[tuple[Text, ...], list[str]]:
    """The verdicts, and the factors from layer to layer."""
    verdicts = (
        Text.assemble((way.verdict, _STYLES[way.verdict]), f" at {way.first_bad_layer}" if way.first_bad_layer else "")
        for way in ways
    )
    return tuple(verdicts), [wording.factor(way.rate) for way in ways]


def _layers(diagnosis: Diagnosis) -> Iterator[RenderableType]:
    """The scheme with the number of layers shown, where it is not all of them, and their table."""
    profile = diagnosis.profile
    shown = np.unique(np.linspace(0, len(profile) - 1, min(len(profile), MOST_ROWS)).round().astype(int))
    part = f", {len(shown)} of {len(profile)} layers; --json has all" if len(shown) < len(profile) else ""
    yield Text.assemble((diagnosis.init, "bold"), (part, "dim"))
    rows = profile.iloc[shown].to_dict("records")
    columns = (
        Column("layer", tuple(Text(str(row["name"])) for row in rows), Role.NAME),
        _numbers("weight\nstd", (wording.significant(row["weight_std_mean"], 3) for row in rows), spare=4),
        *_compared(rows, "activation_variance", "activation\nvariance"),
        *_compared(rows, "grad_variance", "gradient\nvariance"),
        _numbers("dead\n%", (wording.percent(row["dead_fraction_mean"]) for row in rows), spare=2),
        _numbers("sat.\n%", (wording.percent(row["saturated_fraction_mean"]) for row in rows), spare=5),
    )
    yield Fitted(columns, "--json has all")


def _compared(rows: Sequence[dict[Any, Any]], name: str, heading: str) -> tuple[Column, Column, Column]:
    """A variance, its prediction, and the one over the other, marked where it is beyond what finite width allows."""
    ratios = [_ratio(row, name) for row in rows]
    marked = any(ratio.endswith(_OUTSIDE) for ratio in ratios)
    return (
        _numbers(heading, (wording.variance(row[f"{name}_geomean"]) for row in rows)),
        _numbers("\npredicted", (wording.variance(row[f"predicted_{name}_geomean"]) for row in rows), spare=3),
        _numbers("\n÷", (ratio if not marked or ratio.endswith(_OUTSIDE) else f"{ratio} " for ratio in ratios)),
    )


def _ratio(row: dict[Any, Any], name: str) -> str:
    measured, low, high = (
        float(row[f"{column}_geomean"]) for column in (name, f"predicted_{name}_low", f"predicted_{name}_high")
    )
    if measured == 0 and row[f"predicted_{name}_geomean"] == 0:
        return wording.MISSING
    beyond = measured < low * (1 - _ROUNDING) or measured > high * (1 + _ROUNDING)
    return wording.significant(float(row[f"measured_over_predicted_{name}"]), 2) + (_OUTSIDE if beyond else "")


def _plain_scheme(diagnosis: Diagnosis) -> dict[str, Any]:
    known = diagnosis.standing
    return {
        "init": diagnosis.init,
        "verdict": diagnosis.verdict,
        "forward": _plain_direction(diagnosis.forward),
        "backward": _plain_direction(diagnosis.backward),
        "phase": known.phase if known else None,
        "chi1": _number(known.chi1) if known else None,
        "depth_scale": _number(known.depth_scale) if known else None,
        "trainable_depth": _number(known.trainable_depth) if known else None,
        "critical_gain": _number(known.critical_gain) if known else None,
        "weight_variance": _number(known.weight_variance) if known else None,
        "bias_variance": _number(known.bias_variance) if known else None,
        "sentence": sentence(diagnosis),
        "layers": [
            {
                "layer": int(row["layer"]),
                "name": str(row["name"]),
                **{key: _number(row[column]) for key, column in _JSON_COLUMNS.items()},
            }
            for row in diagnosis.profile.to_dict("records")
        ],
    }


def _plain_direction(way: Direction) -> dict[str, Any]:
    return {"verdict": way.verdict, "first_bad_layer": way.first_bad_layer, "rate_per_layer": _number(way.rate)}


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
