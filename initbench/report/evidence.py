"""Evidence for readers: the paired contrasts as a table, the intervals behind the means, and why trials missed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from initbench.analysis import Comparison, cells, wording
from initbench.analysis.contrasts import AT_LEAST, AT_MOST, STEPS, TOO_FEW
from initbench.report.grids import Column, Grid, identity, records, sections

_ENDED_BADLY = ("diverged", "failed")  # told trial by trial elsewhere
_NAMES = {"log_steps_to_target": "log steps to target"}
BEYOND_BOUND = {AT_MOST: "≤ ", AT_LEAST: "≥ "}


def contrasts(comparison: Comparison) -> Grid | None:
    """Each scheme against the reference: ratio of steps, its p-value, and differences at the end; None without one."""
    table = comparison.contrasts
    steps = table[table["metric"] == STEPS]
    if steps.empty or not steps["pairs"].any():
        return None
    accuracy = bool(table.loc[table["metric"] == "final_test_accuracy", "pairs"].any())
    last = "final_test_accuracy" if accuracy else "final_test_loss"
    finals = {metric: records(table[table["metric"] == metric]) for metric in ("final_train_loss", last)}
    rows = records(steps)
    columns = [
        *identity(comparison, steps),
        Column("pairs", tuple(str(row["pairs"]) for row in rows), numeric=True, spare=3),
        Column(f"steps,\n× {comparison.reference}", tuple(map(_ratio, rows)), numeric=True),
        Column("p, exact,\ncorrected", tuple(_p(row) for row in rows), numeric=True),
        Column("Δ final\ntrain loss", tuple(map(_difference, finals["final_train_loss"])), numeric=True, spare=2),
        Column(
            "Δ final test\naccuracy\n(points)" if accuracy else "Δ final\ntest loss",
            tuple(map(_difference, finals[last])),
            numeric=True,
            spare=1,
        ),
    ]
    return Grid(
        title=f"Against {comparison.reference}, seed by seed",
        columns=tuple(columns),
        caption=_caption(rows),
        sections=sections(comparison, steps),
    )


def intervals(comparison: Comparison) -> Grid:
    """Means with their 95 % t intervals, for the reader who wants more than a standard deviation."""
    rows = records(comparison.schemes)
    shown = {
        "area under the\ntrain loss": "loss_area",
        "final\ntrain loss": "final_train_loss",
        "best\ntrain loss": "best_train_loss",
        "final\ntest loss": "final_test_loss",
        "best test\naccuracy (%)": "best_test_accuracy",
    }
    return Grid(
        title="Means and their intervals",
        columns=(
            *identity(comparison, comparison.schemes),
            *(
                Column(heading, tuple(_mean(row, column) for row in rows), numeric=True)
                for heading, column in shown.items()
                if comparison.schemes[f"{column}_mean"].notna().any()
            ),
            Column(
                "steps,\ngeometric mean",
                tuple(wording.steps(float(row["steps_to_target_geomean"])) for row in rows),
                numeric=True,
            ),
        ),
        caption=(
            "Arithmetic means over the seeds that finished, with Student's 95 % interval; the geometric mean of the "
            "steps is infinite where a seed missed the target."
        ),
        sections=sections(comparison, comparison.schemes),
    )


def of_sweep(comparison: Comparison) -> list[str]:
    """What a sweep over rate or depth shows, in sentences; empty where neither is swept."""
    found = [part.claims for part in (comparison.rates, comparison.reach) if part is not None]
    return [sentence for part in found for sentence in part if sentence != comparison.sentence]


def shares(comparison: Comparison) -> Grid | None:
    """Where seeds are crossed: the shares of weights, data order and interaction in the scatter; None where not."""
    table = comparison.variance_shares
    table = table[table["sd"].astype(float) > 0]
    if table.empty:
        return None
    rows = records(table)
    parts = {"weights": "weights", "data\norder": "data", "both\ntogether": "both"}
    return Grid(
        title="What the scatter comes from",
        columns=(
            *identity(comparison, table),
            Column("of", tuple(_NAMES.get(row["metric"], row["metric"].replace("_", " ")) for row in rows)),
            Column("standard\ndeviation", tuple(wording.significant(row["sd"], 2) for row in rows), numeric=True),
            *(
                Column(heading, tuple(f"{100 * row[f'{part}_share']:.0f} %" for row in rows), numeric=True)
                for heading, part in parts.items()
            ),
        ),
        caption=(
            f"Shares of the variance over {rows[0]['weight_seeds']} weight seeds × {rows[0]['data_seeds']} data seeds, "
            "from the two-way table; rough where seeds are few."
        ),
        sections=sections(comparison, table),
    )


def misses(comparison: Comparison) -> list[str]:
    """A line for each scheme and state of trials that finished without reaching the target, with evidence."""
    trials = comparison.trials
    missed = trials[(trials["state"] != "converged") & ~trials["state"].isin(_ENDED_BADLY)]
    lines = []
    for setting, rows in cells.by_setting(missed, comparison.axes):
        where = f" ({setting})" if setting else ""
        for (scheme, state), group in rows.groupby(["init", "state"], sort=False):
            said = group.dropna(subset=["evidence"])
            evidence = f": {said['evidence'].iloc[0]}" if len(said) else ""
            one = f" (seed {said['seed'].iloc[0]})" if len(said) and len(group) > 1 else ""
            lines.append(f"{scheme}{where}, {wording.count(len(group), 'trial')} {state}{evidence}{one}")
    return lines


def _ratio(row: Mapping[str, Any]) -> str:
    if not row["pairs"]:
        return wording.MISSING
    bound = BEYOND_BOUND.get(row["bound"], "")
    estimate = f"{bound}{wording.significant(row['estimate'], 2)}"
    return estimate if math.isnan(row["low"]) else f"{estimate}\n({_ends(row, 2)})"


def _difference(row: Mapping[str, Any]) -> str:
    if not row["pairs"]:
        return wording.MISSING
    scale = 100 if str(row["metric"]).endswith("accuracy") else 1
    estimate = f"{scale * row['estimate']:+.2g}"
    return (
        estimate if math.isnan(row["low"]) else f"{estimate}\n({scale * row['low']:+.2g} to {scale * row['high']:+.2g})"
    )


def _ends(row: Mapping[str, Any], digits: int) -> str:
    return f"{wording.significant(row['low'], digits)}–{wording.significant(row['high'], digits)}"


def _p(row: Mapping[str, Any]) -> str:
    if math.isnan(row["p_holm"]):
        return wording.MISSING
    return f"{wording.significant(row['p_holm'], 2)}{'*' if row['decision'] == TOO_FEW else ''}"


def _mean(row: Mapping[str, Any], column: str) -> str:
    scale = 100 if column.endswith("accuracy") else 1
    mean, low, high = (scale * float(row[f"{column}_{part}"]) for part in ("mean", "low", "high"))
    text = wording.significant(mean)
    return text if math.isnan(low) else f"{text}\n({wording.significant(low)}–{wording.significant(high)})"


def _caption(rows: list[dict[str, Any]]) -> str:
    few = max(row["pairs"] for row in rows)
    level = "95 % intervals" if few >= 6 else "the range over the pairs"
    text = "Pairs share seed and batches. Ratios of steps to the target and differences (Δ) from "
    text += f"{rows[0]['reference']}, with {level}"
    if any(row["bound"] for row in rows):
        text += "; ≤ and ≥ where a miss counts its whole budget"
    if any(row["comparisons"] > 1 for row in rows):
        text += "; p corrected (Holm) for the number of schemes, intervals not"
    if any(row["decision"] == TOO_FEW for row in rows):
        needed = max(row["needed"] for row in rows)
        text += f". * With so few seeds no p below 0.05 is possible; {needed} can decide"
    return f"{text}."
