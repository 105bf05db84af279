"""The files that people open, beside the records: page, Markdown, CSV and figures."""

from __future__ import annotations

from initbench.analysis import Comparison, analyze
from initbench.records import Results, refuse_link, write_bytes, write_text
from initbench.report import markdown, page, tables

PAGE = "report.html"


def write(results: Results, reference: str | None = None) -> Comparison:
    """Analyze results and write every report file into their folder; return what was found, for the terminal.

    ``reference`` is the label of the scheme that the others are held against; the first by default.

    Raises
    ------
    InitbenchError
        There is no scheme ``reference``.
    RecordsError
        The folder cannot be written.
    """
    from initbench.report import figures  # matplotlib is slow to import, and only this needs it

    refuse_link(results.path / "figures")
    comparison = analyze(results, reference)
    write_text(results.path / "summary.csv", tables.csv(tables.summary(comparison)))
    write_text(results.path / "contrasts.csv", tables.csv(tables.contrasts(comparison)))
    write_text(results.path / "layers.csv", tables.csv(tables.layers(comparison)))
    drawn = figures.draw(comparison)
    for name, figure in drawn.items():
        for kind in figures.FORMATS:
            write_bytes(results.path / "figures" / f"{name}.{kind}", figures.encode(figure, kind))
    write_text(results.path / "report.md", markdown.render(comparison, list(drawn)))
    write_text(results.path / PAGE, page.render(comparison))
    return comparison
