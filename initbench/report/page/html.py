"""The document: template, styles, scripts and data in one file that asks nobody for anything.

Two walls keep foreign text from running. Everything is escaped on its way in: Jinja escapes what it inserts, angle
brackets and ampersands inside JSON are written by their numbers, and the scripts set text, never markup. And a content
security policy lets only the page's own script and styles run, known by their hashes, and forbids every request.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from initbench.analysis import Comparison, cells, wording
from initbench.printable import printable
from initbench.report import evidence, grids, provenance
from initbench.report.page.payload import payload
from initbench.report.page.places import places
from initbench.report.page.tables import build
from initbench.report.palette import COLORS, COLORS_ON_DARK

_SCRIPTS = tuple(
    f"{name}.js"
    for name in (
        *("dom", "scales", "plot", "state", "tables"),
        *("curves", "layers", "heat", "reached", "sweep", "trials", "main"),
    )
)
_FACTS = {
    "dataset": "dataset",
    "network": "network",
    "activation": "activation",
    "optimizer": "optimizer",
    "optimizer.lr": "learning rate",
    "schedule": "schedule",
    "batch_size": "batch size",
    "steps": "updates",
}
_MOST_CLAIMS = 8  # that stand unfolded
_MOST_VALUES = 12  # of a swept option, listed


def render(comparison: Comparison) -> str:
    """``report.html``: one self-contained document."""
    loader = PackageLoader("initbench.report.page", "assets")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sources = {name: _source(loader, environment, name) for name in ("page.css", *_SCRIPTS)}
    style, script = _style(sources["page.css"]), _script([sources[name] for name in _SCRIPTS])
    text = environment.get_template("page.html.j2").render(
        name=comparison.results.manifest.name,
        sentence=comparison.sentence,
        claims=comparison.claims,
        side_by_side=cells.is_side_by_side(comparison.axes),
        searched=evidence.of_sweep(comparison),
        unfold_claims=len(comparison.claims) <= _MOST_CLAIMS,
        notes=comparison.notes,
        facts=_facts(comparison),
        tables=build(comparison, places(comparison)),
        unfinished=grids.unfinished(comparison),
        misses=evidence.misses(comparison),
        experiment=comparison.results.experiment.strip(),
        search=provenance.search(comparison.results.provenance),
        provenance=provenance.rows(comparison.results.provenance),
        data=embedded(payload(comparison)),
        style=style,
        script=script,
        policy=_policy(style, script),
    )
    return printable(text)


def embedded(value: Any) -> Markup:
    """A value as JSON that can stand in a script element: nothing in it ends the element or opens a comment."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - escaped just above


def _source(loader: PackageLoader, environment: Environment, name: str) -> str:
    return loader.get_source(environment, name)[0]


def _style(sheet: str) -> Markup:
    """The style sheet, with the schemes' colors for light and dark. Program text: it stands in the page as it is."""
    return Markup(f"{_colors()}\n{sheet}")  # noqa: S704 - nothing but constants


def _script(parts: Sequence[str]) -> Markup:
    """All scripts as one, in a scope of its own. Program text: it stands in the page as it is."""
    body = "\n".join(parts)
    return Markup(f'"use strict";\n(() => {{\n{body}\n}})();')  # noqa: S704 - nothing but files of this package


def _colors() -> str:
    light, dark = (
        "".join(f"--s{index}: {color}; " for index, color in enumerate(colors)) for colors in (COLORS, COLORS_ON_DARK)
    )
    by_class = "".join(f".c{index} {{ --c: var(--s{index}); }} " for index in range(len(COLORS)))
    return (
        f":root {{ {light}}}\n:root[data-theme=dark] {{ {dark}}}\n"
        f"@media screen {{ @media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) {{ {dark}}} }} }}\n"
        f"@media print {{ :root, :root[data-theme=dark] {{ {light}}} }}\n{by_class}"
    )


def _policy(style: str, script: str) -> str:
    allowed = {"script-src": script, "style-src": style}
    hashes = {kind: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for kind, text in allowed.items()}
    sources = "; ".join(f"{kind} 'sha256-{digest}'" for kind, digest in hashes.items())
    return f"default-src 'none'; {sources}; img-src data:; base-uri 'none'; form-action 'none'"


def _facts(comparison: Comparison) -> list[tuple[str, str]]:
    """What all trials have in common, and how many values the others take."""
    trials = comparison.trials
    swept = cells.swept(comparison.axes)
    columns = {axis: title for axis, title in _FACTS.items() if axis not in swept}
    found = [("target", comparison.target)]
    for column, title in {**columns, **cells.axis_titles(swept)}.items():
        if column in trials and trials[column].notna().any():
            values = [wording.setting(value) for value in trials[column].drop_duplicates()]
            if len(values) > 1 and column not in swept:  # labels with a swept option inside
                values = list(dict.fromkeys(value.partition("[")[0] for value in values))
            found.append((title, ", ".join(values[:_MOST_VALUES]) + (", …" if values[_MOST_VALUES:] else "")))
    return [*found, ("seeds", str(trials["seed"].nunique())), ("trials", str(len(trials)))]
