"""The report as Markdown, to paste into a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from initbench.analysis import Comparison
from initbench.in_markdown import in_markdown
from initbench.printable import printable
from initbench.report import evidence, grids, provenance, searches, sweeps


def render(comparison: Comparison, figures: Sequence[str]) -> str:
    """``report.md``: the sentence, the tables, links to ``figures`` (names without ending), failures and provenance."""
    environment = Environment(
        loader=PackageLoader("initbench.report"),
        autoescape=select_autoescape(),  # by the template's ending: Markdown is escaped by ``cell``
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = in_markdown
    experiment = comparison.results.experiment.strip()
    text = environment.get_template("report.md.j2").render(
        name=comparison.results.manifest.name,
        sentence=comparison.sentence,
        claims=[*evidence.of_sweep(comparison), *comparison.claims],
        grids=[*_tables(comparison), *grids.layer_signals(comparison)],
        figures=[(name.replace("_", " "), f"figures/{name}.png") for name in figures],
        unfinished=grids.unfinished(comparison),
        misses=evidence.misses(comparison),
        notes=comparison.notes,
        provenance=provenance.rows(comparison.results.provenance),
        experiment=experiment,
        search=provenance.search(comparison.results.provenance),
        fence=max(["```", *(run + "`" for run in re.findall("`+", experiment))], key=len),
    )
    return printable(text)


def _tables(comparison: Comparison) -> list[grids.Grid]:
    if comparison.schemes.empty:
        return []
    swept = [sweeps.best_map(comparison), sweeps.settings(comparison)] if sweeps.is_sweep(comparison) else []
    swept += [searches.best_rates(comparison), searches.greatest_depths(comparison)]
    found = [*swept, grids.schemes(comparison), evidence.contrasts(comparison), evidence.intervals(comparison)]
    found.append(evidence.shares(comparison))
    return [grid for grid in found if grid is not None]
