"""The comparison for programs: what ``--json`` prints."""

from __future__ import annotations

import json
import math
from typing import Any

from initbench.analysis import Comparison, cells

_KEYS = {
    "trials": "trials",
    "reached": "reached",
    "steps_to_target": "steps_to_target_median",
    "final_train_loss": "final_train_loss_mean",
    "final_test_accuracy": "final_test_accuracy_mean",
    "state": "state",
}


def summary(comparison: Comparison) -> dict[str, Any]:
    """The results folder, a row per scheme (with its values on the swept axes), and the sentence.

    ``steps_to_target`` is the median over seeds, null if it was not reached; the finals are means over finished
    trials, null where there is none. ``final_test_accuracy`` is a fraction.
    """
    axes = [cells.SCHEME, *cells.swept(comparison.axes)]
    columns = {**{axis: axis for axis in axes}, **_KEYS}
    rows = comparison.schemes.to_dict("records")
    return {
        "results": str(comparison.results.path),
        "schemes": [{key: _plain(row[column]) for key, column in columns.items()} for row in rows],
        "sentence": comparison.sentence,
    }


def as_json(comparison: Comparison) -> str:
    """``summary`` as one line-broken JSON object, without NaN or Infinity."""
    return json.dumps(summary(comparison), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: object) -> object:
    """A cell as JSON knows it: no numpy scalar, and null for what is not finite."""
    if isinstance(value, str | bool) or value is None:
        return value
    number = float(str(value))
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and not isinstance(value, float) else number
