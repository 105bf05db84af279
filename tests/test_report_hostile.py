"""Reports show what a stranger wrote into a results folder, and obey none of it: page, Markdown, terminal, figures."""

from __future__ import annotations

import io
import json
import re
import warnings
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from gated import run
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from synthetic_results import Trial, folder, results

from initbench.analysis import Comparison, analyze
from initbench.cli import console
from initbench.gate import Tolerance, baseline_of, github, judge, junit
from initbench.gate import markdown as gate_markdown
from initbench.gate import terminal as gate_terminal
from initbench.gate.findings import Report
from initbench.printable import printable
from initbench.report import figures, machine, markdown, page, terminal, write

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "<!-- --!> ]]> &lt; &#60;",
    "'\"><svg onload=alert(1)>",
    "[x](javascript:alert(1))",
    "![x](http://example.org/x.png)",
    "| a | b |\n| --- | --- |",
    "`code` **bold** _it_ ~~gone~~ # no heading",
    "# heading\n\n- item",
    "</details>",
    "{{ 7 * 7 }}{% raw %}",
    "[bold red]markup[/]",
    "\x1b]0;owned\x07\x1b[2J",
    "\x9b31m\u202egnp.exe",
    "::error::injected\n::stop-commands::x",
    "$\\frac{$ $x^$",
    "=cmd|' /C calc'!A0",
    "a\x00b",
    "x" * 400,
)
ANY = st.sampled_from(HOSTILE) | st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30
)  # tables hold no halves
few = settings(derandomize=True, deadline=None, max_examples=20)


def compared(text: str) -> Comparison:
    """A comparison with a stranger's text wherever there may be text."""
    trials = (
        Trial(text, 0, (2.0, 0.4), (0.1, 0.9)),
        Trial("he", 0, status="failed", reason=text),
        Trial("he", 1, (9.0, float("inf")), status="diverged", reason=text, planned=30),
    )
    found = results(*trials)
    hostile = replace(
        found,
        manifest=replace(found.manifest, name=text),
        experiment=text,
        provenance={text: text, "command": {text: [text]}},
        problems=(text,),
    )
    return replace(analyze(hostile), notes=(text,))


@cache
def _plain_page() -> Elements:
    return Elements(page.render(compared("plain")))


class Elements(HTMLParser):
    """The tags of a document with their attributes' names, and the text between them."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@few
@given(ANY)
@example(HOSTILE[0])
@example(HOSTILE[1])
def test_the_page_has_the_same_elements_whatever_it_shows(text: str) -> None:
    shown = page.render(compared(text))
    assert Elements(shown).tags == _plain_page().tags
    assert shown == printable(shown)


@few
@given(ANY)
def test_the_data_in_the_page_reads_back(text: str) -> None:
    found = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', page.render(compared(text)), re.DOTALL
    )
    assert found
    assert text in [scheme["name"] for scheme in json.loads(found[1])["schemes"]]


@few
@given(ANY)
@example(HOSTILE[6])
@example(HOSTILE[8])
def test_markdown_has_the_same_structure_whatever_it_shows(text: str) -> None:
    assert _structure(markdown.render(compared(text), [])) == _structure(markdown.render(compared("plain"), []))


@few
@given(ANY)
def test_no_control_character_reaches_the_terminal(text: str) -> None:
    screen = console.out()
    screen.file = sink = io.StringIO()
    screen.print(terminal.render(compared(text)))
    assert sink.getvalue() == printable(sink.getvalue())


@few
@given(ANY)
def test_json_reads_back_and_can_be_printed(text: str) -> None:
    shown = printable(machine.as_json(compared(text)))
    assert shown.encode()
    assert text in json.dumps(json.loads(shown), ensure_ascii=False) or "\\" in json.dumps(text)


@pytest.mark.parametrize("text", [*HOSTILE[:-2], "日本", HOSTILE[-1]], ids=lambda text: ascii(text)[:30])
def test_figures_draw_names_as_they_are(text: str) -> None:
    with warnings.catch_warnings(action="error"):
        drawn = figures.draw(compared(text))
        svg = {name: figures.encode(figure, "svg") for name, figure in drawn.items()}
    assert svg
    for content in svg.values():
        assert ET.fromstring(content).tag.endswith("svg")  # noqa: S314 - made above


@pytest.mark.parametrize("text", HOSTILE[:-2], ids=lambda text: ascii(text)[:30])
def test_a_whole_report_is_written_of_a_hostile_folder(text: str, tmp_path) -> None:
    made = folder(tmp_path / "demo", [Trial(text, 0, (2.0, 0.4)), Trial("he", 0, status="failed", reason=text)])
    write(made.read())
    names = {path.name for path in made.path.iterdir()}
    assert {"report.html", "report.md", "summary.csv", "contrasts.csv", "layers.csv", "figures"} <= names


def gated(text: str) -> Report:
    """A report of the gate on schemes that a stranger named."""
    before, now = (run(schemes=(text, "he"), slower=slower) for slower in (1.0, 2.0))
    found = replace(now, manifest=replace(now.manifest, name=text))
    report = judge(found, baseline_of(before), {}, Tolerance())
    assert report.regressions
    return report


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text)[:30])
def test_the_gate_s_reports_escape_what_they_show(text: str) -> None:
    report, plain = gated(text), gated("plain")
    assert _structure(gate_markdown.render(report)) == _structure(gate_markdown.render(plain))
    suite = ET.fromstring(junit.render(report, 1.0))  # noqa: S314 - made above
    assert [case.tag for case in suite.iter()] == [case.tag for case in ET.fromstring(junit.render(plain, 1.0)).iter()]  # noqa: S314
    commands = list(github.workflow_commands(report, f"{text}.yaml"))
    assert all(re.match(r"::(error|warning) title=", command) and "\n" not in command for command in commands)
    screen = console.out()
    screen.file = sink = io.StringIO()
    screen.print(gate_terminal.render(report))
    assert sink.getvalue() == printable(sink.getvalue())


def _structure(text: str) -> list[str]:
    """The blocks and marks of a Markdown text, in order, as GitHub reads it: no words, and no code."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    ignored = {"text", "softbreak", "text_special", "inline", "code_inline", "fence"}
    flat = [inner for token in tokens for inner in [token, *(token.children or [])]]
    return [f"{token.type} {token.tag}" for token in flat if token.type not in ignored]
