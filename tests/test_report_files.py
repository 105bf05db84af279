"""The files of a report: CSV, Markdown and JSON, read back."""

import json
import math

import jsonschema
import pandas as pd
import pytest
from synthetic_results import Trial, folder, results

from initbench import report
from initbench.analysis import analyze
from initbench.records import RecordsError
from initbench.report import machine, markdown, tables

HE = [Trial("he", seed, (2.0, 0.5, 0.3 + 0.1 * seed), (0.2, 0.8, 0.9), activations=[(1, 1, 1), (4, 2, 1)],
            gradients=[(1, 1, 1), (1, 1, 1)]) for seed in range(2)]  # fmt: skip
DIVERGED = Trial("normal[std=1.0]", 0, (9.0, math.inf), status="diverged", reason="loss | is inf", planned=30)


def test_every_file_is_written_and_nothing_else(tmp_path):
    comparison = report.write(folder(tmp_path, HE, [DIVERGED]).read())
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    names = ("train_loss", "test_accuracy", "activation_variance", "gradient_variance")
    figures = {f"figures/{name}.{kind}" for name in names for kind in ("png", "svg", "pdf")}
    own = {"summary.csv", "contrasts.csv", "layers.csv", "report.md", "report.html", *figures}
    assert {
        name for name in written if not name.startswith(("records/", "manifest", "provenance", "experiment"))
    } == own
    assert comparison.sentence in (tmp_path / "report.md").read_text()


def test_writing_twice_gives_the_same_bytes(tmp_path):
    made = folder(tmp_path, HE)
    report.write(made.read())
    first = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    report.write(made.read())
    assert {path: path.read_bytes() for path in first} == first


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    made = folder(tmp_path, HE)
    (tmp_path / "figures").write_text("in the way")
    with pytest.raises(RecordsError, match=r"cannot write .*figures"):
        report.write(made.read())


def test_summary_csv_holds_the_hand_computed_values(tmp_path):
    report.write(folder(tmp_path, HE, [DIVERGED]).read())
    table = pd.read_csv(tmp_path / "summary.csv").set_index("init")
    assert table.loc["he", ["trials", "reached", "steps_to_target_median"]].tolist() == [2, 2, 20]
    assert table.loc["he", "final_train_loss_mean"] == pytest.approx(0.35)
    assert table.loc["he", "final_train_loss_sd"] == pytest.approx(math.sqrt(0.005))
    assert table.loc["normal[std=1.0]", "steps_to_target_median"] == math.inf
    assert math.isnan(table.loc["normal[std=1.0]", "final_train_loss_mean"])
    assert table["state"].tolist() == ["converged", "diverged"]


def test_layers_csv_holds_both_probes_of_every_layer(tmp_path):
    report.write(folder(tmp_path, HE).read())
    table = pd.read_csv(tmp_path / "layers.csv")
    assert table[["probe", "step", "layer"]].to_numpy().tolist() == [
        [probe, step, layer] for probe, step in (("first", 0), ("last", 30)) for layer in (1, 2, 3)
    ]
    assert table["activation_variance_geomean"].tolist() == pytest.approx([1, 1, 1, 4, 2, 1])
    assert table["name"].tolist() == ["layer1", "layer2", "output"] * 2
    assert not any(column.startswith("predicted") for column in table)  # nothing was predicted


def test_an_empty_experiment_still_has_headers():
    comparison = analyze(results())
    assert tables.csv(tables.summary(comparison)).startswith("init,trials,")
    assert tables.csv(tables.layers(comparison)).startswith("init,probe,step,layer,")


SCHEMA = {
    "type": "object",
    "required": ["results", "schemes", "reference", "contrasts", "sentence", "claims"],
    "additionalProperties": False,
    "properties": {
        "results": {"type": "string"},
        "sentence": {"type": "string"},
        "reference": {"type": "string"},
        "claims": {"type": "array", "items": {"type": "string"}},
        "contrasts": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["init", "reference", "metric", "pairs", "estimate", "low", "high", "p_holm", "decision"],
                "properties": {
                    "init": {"type": "string"},
                    "metric": {
                        "enum": ["steps_to_target", "final_train_loss", "final_test_loss", "final_test_accuracy"]
                    },
                    "pairs": {"type": "integer"},
                    "estimate": {"type": ["number", "null"]},
                    "p_holm": {"type": ["number", "null"]},
                    "decision": {"enum": ["shown", "not shown", "too few seeds", "nothing to compare"]},
                },
            },
        },
        "schemes": {
            "type": "array",
            "items": {
                "type": "object",
                "required": [
                    *("init", "trials", "reached", "steps_to_target"),
                    *("final_train_loss", "final_test_accuracy", "state"),
                ],
                "properties": {
                    "init": {"type": "string"},
                    "trials": {"type": "integer"},
                    "reached": {"type": "integer"},
                    "steps_to_target": {"type": ["number", "null"]},
                    "final_train_loss": {"type": ["number", "null"]},
                    "final_test_accuracy": {"type": ["number", "null"]},
                    "state": {"enum": ["converged", "slow", "stalled", "dead", "symmetric", "diverged", "failed"]},
                },
            },
        },
    },
}


def test_json_keeps_its_promise_and_has_null_for_what_is_not_finite():
    text = machine.as_json(analyze(results(*HE, DIVERGED, Trial("sparse", 0, status="failed", reason="killed"))))
    found = json.loads(text, parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))
    jsonschema.validate(found, SCHEMA)
    he, normal, sparse = found["schemes"]
    assert he == {
        "init": "he",
        "trials": 2,
        "reached": 2,
        "steps_to_target": 20.0,
        "final_train_loss": pytest.approx(0.35),
        "final_test_accuracy": pytest.approx(0.9),
        "state": "converged",
        "steps_to_target_low": 20.0,
        "steps_to_target_high": 20.0,
        # mean 0.35 and standard deviation 0.0707 of two seeds: Student's t with one degree of freedom is 12.706
        "final_train_loss_low": pytest.approx(0.35 - 12.706 * 0.05, abs=1e-4),
        "final_train_loss_high": pytest.approx(0.35 + 12.706 * 0.05, abs=1e-4),
        "final_test_accuracy_low": pytest.approx(0.9),
        "final_test_accuracy_high": pytest.approx(0.9),
    }
    assert [normal["steps_to_target"], normal["final_train_loss"]] == [None, None]
    assert sparse["state"] == "failed"


def test_json_of_a_sweep_tells_its_settings_apart():
    trials = [Trial("he", 0, (2.0, 0.4), at={"network.depth": depth}) for depth in (5, 30)]
    schemes = machine.summary(analyze(results(*trials, axes=("init", "network.depth"))))["schemes"]
    assert [row["network.depth"] for row in schemes] == [5, 30]


def test_markdown_tables_have_as_many_cells_in_every_row():
    text = markdown.render(analyze(results(*HE, DIVERGED)), ["train_loss"])
    for block in text.split("\n\n"):
        rows = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1
    assert "![train loss](figures/train_loss.png)" in text
    assert "diverged: loss \\| is inf" in text
    assert "| python | 3.12.1 |" in text


def test_markdown_shows_names_as_they_are_and_lets_no_content_break_out():
    hostile = Trial("<b>|x", 0, (2.0, 0.4))
    found = results(hostile)
    found = type(found)(found.path, found.manifest, found.records, "a: '```'\n", {"git": {"commit": "abc"}})
    text = markdown.render(analyze(found), [])
    assert "<b>" not in text.replace("\\<b\\>", "")
    assert "````yaml" in text
    assert "| git.commit | abc |" in text
