"""Provenance as a table, and what it says of how to run an experiment again."""

from dataclasses import replace

import pytest
from synthetic_results import Trial, results

from initbench.analysis import analyze
from initbench.execute.provenance import command
from initbench.report import markdown, page
from initbench.report.provenance import rows

RAN, SEARCHED = "initbench run demo.yaml", "initbench compare he 'normal[std=0.01]' --max-depth"
SEARCHED_IN_HTML = "initbench compare he &#39;normal[std=0.01]&#39; --max-depth"


def test_what_is_nested_gets_dotted_names_lists_become_text_and_nothing_is_a_dash():
    found = rows({"initbench": "0.1.0", "versions": {"torch": "2.7", "cuda": None}, "command": ["run", "a.yaml"]})
    assert found == [
        ("initbench", "0.1.0"),
        ("versions.torch", "2.7"),
        ("versions.cuda", "–"),
        ("command", "run a.yaml"),
    ]


@pytest.mark.parametrize(
    ("called", "kept"), [("/bin/initbench", "initbench"), ("/x/initbench/__main__.py", "python -m initbench")]
)
def test_the_command_can_be_given_again(called, kept, monkeypatch):
    monkeypatch.setattr("sys.argv", [called, "compare", "he", "normal[std=0.01]", "--max-depth"])
    assert command() == f"{kept} compare he 'normal[std=0.01]' --max-depth"


@pytest.mark.parametrize(
    ("given", "searches"), [(RAN, False), (SEARCHED, True), (None, False), (["--max-depth"], False)]
)
def test_a_search_for_depths_is_run_again_by_its_command_and_all_else_by_its_config(given, searches):
    found = replace(results(Trial("he", 0, (2.0, 0.4))), provenance={"command": given})
    comparison = analyze(found)
    shown, text = page.render(comparison), markdown.render(comparison, [])
    assert ("<code>initbench run experiment.yaml</code>" in shown) is not searches
    assert (f"<code>{SEARCHED_IN_HTML}</code>" in shown) is searches
    assert ("The experiment, to run again" in text) is not searches
    assert ("A search for the greatest depth, asked for with: initbench compare" in text) is searches
