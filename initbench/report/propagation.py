"""Diagnoses before training, for people and for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from initbench.analysis import layers, wording
from initbench.analysis.propagation import CHANGED, Diagnosis, Direction
from initbench.theory import Standing

MOST_ROWS = 12  # of a scheme's table; beyond, layers evenly spaced over the depth
ANY_DEPTH = "any"

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
        parts += [Text(diagnosis.init, style="bold"), _layers(diagnosis.profile), Text()]
    parts.append(
        Text(
            f"Geometric means over {wording.count(seeds, 'seed')}; fractions arithmetic. Predicted from the weights as "
            "drawn, ÷: measured over predicted, – no prediction, sat.: saturated. Vanishing and exploding: the "
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


def _summary(diagnoses: Sequence[Diagnosis]) -> Table:
    table = _table()
    table.add_column("scheme", overflow="fold", min_width=10)
    for heading in ("forward", "per layer", "backward", "per layer", "χ₁", "trains to\ndepth", "critical\ngain"):
        is_verdict = heading.endswith("ward")
        table.add_column(heading, justify="left" if is_verdict else "right", overflow="fold", no_wrap=not is_verdict)
    for one in diagnoses:
        known = one.standing
        gain = known.critical_gain if known else None
        table.add_row(
            Text(one.init),
            *_direction(one.forward),
            *_direction(one.backward),
            wording.significant(known.chi1) if known else wording.MISSING,
            depth(known),
            wording.factor(gain) if gain else wording.MISSING,
        )
    return table


def _direction(way: Direction) -> tuple[Text, str]:
    where = f" at {way.first_bad_layer}" if way.first_bad_layer else ""
    return Text.assemble((way.verdict, _STYLES[way.verdict]), where), wording.factor(way.rate)


def _layers(profile: pd.DataFrame) -> Table:
    table = _table()
    headings = ("layer", "weight\nstd", "activation\nvariance", "\npredicted", "\n÷", "gradient\nvariance",
                "\npredicted", "\n÷", "dead\n%", "sat.\n%")  # fmt: skip
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index == 0 else "right", no_wrap=index > 0, overflow="fold")
    shown = np.unique(np.linspace(0, len(profile) - 1, min(len(profile), MOST_ROWS)).round().astype(int))
    for row in profile.iloc[shown].to_dict("records"):
        table.add_row(
            Text(str(row["name"])),
            wording.significant(row["weight_std_mean"], 3),
            *_compared(row, "activation_variance"),
            *_compared(row, "grad_variance"),
            wording.percent(row["dead_fraction_mean"]),
            wording.percent(row["saturated_fraction_mean"]),
        )
    return table


def _compared(row: dict[Any, Any], name: str) -> tuple[str, str, str]:
    ratio = float(row[f"measured_over_predicted_{name}"])
    return (
        wording.variance(row[f"{name}_geomean"]),
        wording.variance(row[f"predicted_{name}_geomean"]),
        wording.significant(ratio, 2),
    )


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, collapse_padding=True)


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
