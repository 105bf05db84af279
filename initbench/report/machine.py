"""The comparison for programs: what ``--json`` prints."""

from __future__ import annotations

import json
import math
from typing import Any

from initbench.analysis import Comparison, cells
from initbench.report import evidence

_KEYS = {
    "trials": "trials",
    "reached": "reached",
    "steps_to_target": "steps_to_target_median",
    "final_train_loss": "final_train_loss_mean",
    "final_test_accuracy": "final_test_accuracy_mean",
    "state": "state",
    "steps_to_target_low": "steps_to_target_low",
    "steps_to_target_high": "steps_to_target_high",
    "final_train_loss_low": "final_train_loss_low",
    "final_train_loss_high": "final_train_loss_high",
    "final_test_accuracy_low": "final_test_accuracy_low",
    "final_test_accuracy_high": "final_test_accuracy_high",
}


def summary(comparison: Comparison) -> dict[str, Any]:
    """The results folder, a row per scheme and one per contrast (with values on the swept axes), and the sentences.

    ``steps_to_target`` is the median over seeds, null if it was not reached; the finals are means over finished
    trials, null where there is none. ``final_test_accuracy`` is a fraction. ``_low`` and ``_high`` are 95 % intervals,
    for the steps their range where there are fewer than six seeds. Contrasts are as in ``contrasts.csv``.
    """
    axes = [cells.SCHEME, *cells.swept(comparison.axes)]
    columns = {**{axis: axis for axis in axes}, **_KEYS}
    rows = comparison.schemes.to_dict("records")
    return {
        "results": str(comparison.results.path),
        "schemes": [{key: _plain(row[column]) for key, column in columns.items()} for row in rows],
        "reference": comparison.reference,
        "contrasts": [
            {str(key): _plain(value) for key, value in row.items()} for row in comparison.contrasts.to_dict("records")
        ],
        "sentence": comparison.sentence,
        "claims": [*evidence.of_sweep(comparison), *comparison.claims],
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
