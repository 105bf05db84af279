"""How a report is shown: terminal, JUnit XML, Markdown, JSON, and what GitHub reads."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from gated import checked, run
from rich.console import Console

from initbench.gate import Finding, Kind, Mark, Report, github, junit, machine, markdown, terminal

SCHEMA = xmlschema.XMLSchema(str(Path(__file__).parent / "golden" / "junit.xsd"))


def finding(mark, scheme="he", kind=Kind.STATISTICAL, **fields):
    given = {
        "what": "loss_area",
        "before": "1",
        "now": "2",
        "change": "2×",
        "text": f"{scheme}: loss area, {mark.name}",
    }
    return Finding(kind=kind, mark=mark, scheme=scheme, fails=mark is Mark.WORSE, **{**given, **fields})


ALL = Report("demo", tuple(finding(mark) for mark in Mark), trials=10, failed=1, seeds=5, notes=("a note",))
NASTY = Report(
    "<a>&\"'",
    (finding(Mark.WORSE, scheme="a<b>|`*_\x00\x1b[1m", text="::error::100 %\nnew <line> & \x07"),),
    trials=1,
    failed=0,
    seeds=1,
)
NOTHING = Report("demo", (), trials=4, failed=4, seeds=0)


@pytest.mark.parametrize("report", [ALL, NASTY, NOTHING, checked(run(slower=2.0))])
@pytest.mark.parametrize("seconds", [0.0, 12.3456, 98765.0])
def test_the_junit_file_is_valid(report, seconds):
    document = junit.render(report, seconds)
    SCHEMA.validate(ET.fromstring(document))  # noqa: S314 - our own
    assert document.startswith(b"<?xml version='1.0' encoding='utf-8'?>")


def test_the_schema_of_these_tests_refuses_what_is_no_report():
    document = junit.render(ALL, 1.0).decode()
    for wrong in (
        document.replace(' name="demo"', ""),
        document.replace("<failure", "<fault").replace("/failure", "/fault"),
    ):
        assert wrong != document
        assert not SCHEMA.is_valid(ET.fromstring(wrong))  # noqa: S314


def test_junit_counts_failures_and_errors_and_passes_what_is_inconclusive():
    suite = ET.fromstring(junit.render(ALL, 1.5)).find("testsuite")  # noqa: S314
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "5",
        "failures": "1",
        "errors": "1",
        "skipped": "0",
        "time": "1.500",
    }
    cases = {case.findtext("system-out") for case in suite.findall("testcase")}
    assert {"he: loss area, BETTER", "he: loss area, UNCLEAR"} <= cases
    assert suite.find("testcase/failure").text == "he: loss area, WORSE"
    assert suite.find("testcase").get("classname") == "demo.he"


def test_a_run_that_measured_nothing_is_an_error_in_junit_and_no_success():
    suite = ET.fromstring(junit.render(NOTHING, 1.0)).find("testsuite")  # noqa: S314
    assert (suite.get("tests"), suite.get("errors")) == ("1", "1")


def text_of(report, **options):
    console = Console(width=120, file=None, record=True, quiet=False)
    with console.capture() as capture:
        console.print(terminal.render(report, **options))
    return capture.get()


def test_the_terminal_shows_every_mark_and_ends_in_one_sentence():
    lines = text_of(ALL).splitlines()
    assert [line.split()[0] for line in lines[2:7]] == ["+", "-", "=", "~", "!"]
    assert "note: a note" in lines
    assert lines[-1] == "1 regression: he: loss area, WORSE; 1 trial of 10 could not be measured."


def test_only_what_changed_is_shown_if_asked_for():
    lines = text_of(ALL, only_changed=True).splitlines()
    assert [line.split()[0] for line in lines[2:6]] == ["+", "-", "~", "!"]
    assert text_of(checked(run()), only_changed=True).splitlines() == ["No regression in 16 comparisons over 5 seeds."]


def test_a_signal_is_told_before_the_loss_that_it_spoils():
    report = checked(run(slower=2.0, signal=0.8))
    assert report.sentence.split(": ", 1)[1].startswith("he: pre-activation variance at step 0 left its range")
    assert "more." in report.sentence


def test_markdown_shows_what_changed_folds_the_rest_and_escapes():
    text = markdown.render(ALL)
    assert text.startswith("### initbench check demo: failed\n\n1 regression: ")
    assert "| `-` | he | loss area | 1 | 2 | 2× |" in text
    assert text.index("| `=`") > text.index("<details>")
    assert "> a note" in text
    nasty = markdown.render(NASTY)
    assert "a\\<b\\>\\|\\`\\*" in nasty
    assert "\nnew <line>" not in nasty


def test_json_has_every_finding():
    told = json.loads(machine.as_json(ALL))
    assert [found["mark"] for found in told["findings"]] == ["+", "-", "=", "~", "!"]
    assert (told["exit_code"], told["sentence"]) == (1, ALL.sentence)


def test_annotations_are_errors_and_warnings_on_one_line_each():
    commands = list(github.workflow_commands(ALL, "configs/ci.yaml"))
    assert commands == [
        "::error title=he%3A loss area,file=configs/ci.yaml::he: loss area, WORSE",
        "::error title=he%3A loss area,file=configs/ci.yaml::he: loss area, UNMEASURED",
        "::warning title=he%3A loss area,file=configs/ci.yaml::he: loss area, UNCLEAR",
    ]
    (nasty,) = github.workflow_commands(NASTY, None)
    assert nasty.endswith("::::error::100 %25%0Anew <line> & \x07")
    assert list(github.workflow_commands(NOTHING, None)) == ["::error title=initbench::Nothing was measured."]


def test_no_more_annotations_than_github_shows():
    many = replace(ALL, findings=tuple(finding(Mark.WORSE, scheme=f"s{index}") for index in range(40)))
    assert len(list(github.workflow_commands(many, None))) == github.MOST


def test_only_a_github_step_counts_as_one():
    assert github.runs_there({"GITHUB_ACTIONS": "true"})
    assert not github.runs_there({"GITHUB_ACTIONS": ""})


def test_expectations_are_no_earlier_run():
    statistical, expected = finding(Mark.SAME), finding(Mark.SAME, kind=Kind.EXPECTED)
    shown = {
        words: "".join(text_of(replace(ALL, findings=findings)).split("\n")[0])
        for words, findings in (
            ("before", (statistical,)),
            ("expected", (expected,)),
            ("before or expected", (statistical, expected)),
        )
    }
    assert all(f"  {words}  " in heading for words, heading in shown.items())
    assert "| expected |" in markdown.render(replace(ALL, findings=(finding(Mark.WORSE, kind=Kind.EXPECTED),)))
