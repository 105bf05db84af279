"""The page as text: what it holds, how large it gets, and that foreign text stays text."""

import html
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_results import EVERY, Trial, folder, results
from typer.testing import CliRunner

from initbench.analysis import analyze
from initbench.cli import app
from initbench.report import page
from initbench.report.page.html import embedded
from initbench.report.page.numbers import number, picked
from initbench.report.page.payload import payload
from initbench.report.page.places import places
from initbench.report.page.tables import build

HE = [Trial("he", seed, (2.0, 0.5, 0.3 + 0.1 * seed), (0.2, 0.8, 0.9), activations=[(1, 1, 1), (4, 2, 1)],
            gradients=[(1, 1, 1), (1, 1, 1)]) for seed in range(2)]  # fmt: skip
DIVERGED = Trial("normal[std=1.0]", 0, (9.0, math.inf), status="diverged", reason="loss is inf", planned=30)
HOSTILE = "</script><img src=x onerror=alert(1)>"


def data_of(text):
    """The JSON in a page, which must not hold what JSON does not know."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found[1], parse_constant=lambda constant: pytest.fail(f"{constant} is not JSON"))


def test_the_verdict_stands_before_everything_else():
    comparison = analyze(results(*HE, DIVERGED))
    text = page.render(comparison)
    assert 0 < text.index(comparison.sentence) < text.index("<table") < text.index('class="chart"')
    assert "loss is inf" in text
    assert "initbench run demo.yaml" in text  # provenance


RENDERED = """
import sys
from test_report_page import DIVERGED, HE, analyze, page, results
sys.stdout.buffer.write(page.render(analyze(results(*HE, DIVERGED))).encode())
"""


def test_equal_tables_give_equal_pages_in_every_process():
    """The order of a set of texts differs from one process to the next, and so would a page that went by it."""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", RENDERED],
            cwd=Path(__file__).parent,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
        )
        for seed in ("1", "2")
    ]
    pages = [writer.communicate()[0].decode() for writer in writers]
    assert pages == [page.render(analyze(results(*HE, DIVERGED)))] * 2


def test_nothing_in_the_page_points_outside_of_it():
    text = page.render(analyze(results(*HE, DIVERGED)))
    addresses = set(re.findall(r"""(?:https?:)?//[\w.-]+\.\w+[^\s"'`]*""", text))
    assert addresses == {"http://www.w3.org/2000/svg"}  # the name of SVG, which no browser fetches
    assert set(re.findall(r"""\b(?:src|href)="([^"#]*)[^"]*\"""", text)) <= {"data:,", ""}
    assert "default-src 'none'; " in html.unescape(text)


def test_names_and_contents_never_become_markup():
    comparison = analyze(results(Trial(HOSTILE, 0, (2.0, 0.4)), Trial("he", 0, status="failed", reason=HOSTILE)))
    found = comparison.results
    hostile = replace(
        found, experiment=HOSTILE, provenance={HOSTILE: HOSTILE}, manifest=replace(found.manifest, name=HOSTILE)
    )
    text = page.render(replace(comparison, results=hostile, notes=(HOSTILE,), sentence=HOSTILE))
    assert "<img" not in text
    assert text.count("</script>") == 2  # the data, the scripts
    assert data_of(text)["schemes"][0]["name"] == HOSTILE


def test_embedded_json_reads_back_and_cannot_end_its_element():
    value = {"<!--": "</SCRIPT>&\u2028\u2029 é"}
    assert json.loads(embedded(value)) == value
    assert not set("<>&\u2028\u2029") & set(embedded(value))


def test_curves_hold_mean_and_range_as_far_as_every_seed_goes():
    trials = [Trial("he", 0, (4.0, 3.0, 2.0)), Trial("he", 1, (2.0, math.inf), status="diverged", planned=30)]
    (curve,) = payload(analyze(results(*trials)))["curves"]["train_loss"]
    assert [curve["steps"], curve["mean"], curve["low"], curve["high"]] == [[10], [3], [2], [4]]
    assert curve["alone"] == [{"steps": [10, 20, 30], "values": [4, 3, 2]}]
    assert curve["diverged"] == [20]


def test_thinning_keeps_the_ends_and_every_spike_of_the_range():
    losses = [2.0 + 0.001 * step for step in range(2000)]
    losses[1234] = 50.0
    (curve,) = payload(analyze(results(Trial("he", 0, losses), Trial("he", 1, losses))))["curves"]["train_loss"]
    assert len(curve["steps"]) <= 300
    assert [curve["steps"][0], curve["steps"][-1]] == [EVERY, EVERY * 2000]
    assert max(curve["high"]) == 50
    assert len(curve["steps"]) == len(curve["mean"]) == len(curve["low"]) == len(curve["high"])


@pytest.mark.parametrize(("length", "most"), [(0, 5), (1, 5), (5, 5), (6, 5), (1000, 7), (3, 1)])
def test_picked_rows_are_in_order_and_include_both_ends(length, most):
    rows = picked(length, most).tolist()
    assert rows == sorted(set(rows))
    assert len(rows) <= max(2, most)
    assert length == 0 or (rows[0], rows[-1]) == (0, length - 1)


@pytest.mark.parametrize(
    ("value", "expected"), [(math.nan, None), (math.inf, None), (3.0, 3), (0.123456, 0.1235), (1e-300, 1e-300)]
)
def test_numbers_are_short_and_finite(value, expected):
    assert number(value) == expected


def test_layers_are_averaged_geometrically_and_carry_their_predictions():
    trials = [Trial("he", seed, (2.0,), activations=[(scale, 1, 1)]) for seed, scale in enumerate((1.0, 100.0))]
    found = results(*trials)
    layers = found.records.layers.assign(
        predicted_activation_variance=9.0,
        predicted_activation_variance_low=8.0,
        predicted_activation_variance_high=np.nan,
    )
    (cell,) = payload(analyze(replace(found, records=replace(found.records, layers=layers))))["layers"]
    assert cell["measured"]["activation_variance"] == [[10, 1, 1]]
    assert cell["measured"]["dead_fraction"] == [[0.25, 0.25, 0.25]]
    assert cell["predicted"] == {"activation_variance": [[9, 9, 9], [8, 8, 8], [None, None, None]]}
    assert cell["names"] == ["layer1", "layer2", "output"]


def test_a_variance_of_zero_stays_zero_and_one_that_overflowed_is_null():
    trial = Trial("he", 0, (2.0,), activations=[(0.0, math.inf, 1)])
    (cell,) = payload(analyze(results(trial)))["layers"]
    assert cell["measured"]["activation_variance"] == [[0, None, 1]]


def test_ratios_are_taken_within_a_setting_and_say_who_missed():
    def trial(init, depth, *losses):
        return Trial(init, 0, losses, at={"network.depth": depth})

    found = results(
        trial("he", 5, 0.4, 0.3), trial("xavier", 5, 2.0, 0.4), trial("he", 9, 2.0, 0.4), trial("xavier", 9, 2.0, 2.0),
        axes=("init", "network.depth"),
    )  # fmt: skip
    comparison = analyze(found)
    table = build(comparison, places(comparison))["schemes"]
    at = [heading for heading, _ in table.headings].index("steps ÷\nhe")
    assert [cells[at].text for _, cells in table.rows] == ["×1.0", "×2.0", "×1.0", "≥ ×1.0"]
    assert [cells[at].sort for _, cells in table.rows] == ["1.0", "2.0", "1.0", "inf"]


def test_the_ratio_of_a_scheme_that_missed_is_the_bound_that_the_paired_table_has():
    found = results(
        *(Trial("he", seed, (2.0, 0.4, 0.3, 0.2)) for seed in range(2)),
        *(Trial("xavier", seed, (2.0, 2.0, 1.5, 1.2)) for seed in range(2)),
        Trial("lecun", 5, (2.0, 2.0, 1.5, 1.2)),  # no seed in common with the reference
    )
    comparison = analyze(found)
    tables = build(comparison, places(comparison))
    at = [heading for heading, _ in tables["schemes"].headings].index("steps ÷\nhe")
    # reached at step 20, or not within 40: a miss counts its whole budget
    assert [cells[at].text for _, cells in tables["schemes"].rows] == ["×1.0", "≥ ×2.0", "> ×1"]
    assert [cells[at].sort for _, cells in tables["schemes"].rows] == ["1.0", "inf", "inf"]
    assert tables["contrasts"].rows[0][1][2].text.startswith("≥ 2.0")


def test_a_sweep_knows_the_place_of_each_cell_on_its_axes():
    trials = [Trial("he", 0, (2.0, 0.4), at={"optimizer.lr": lr}) for lr in (0.1, 0.001)]
    sweep = payload(analyze(results(*trials, axes=("init", "optimizer.lr"))))["sweep"]
    assert sweep["axes"] == [{"title": "lr", "values": ["0.001", "0.1"], "numbers": [0.001, 0.1]}]
    assert [cell["at"] for cell in sweep["cells"]] == [[1], [0]]


@pytest.mark.parametrize(
    "trials",
    [(), (Trial("he", 0, status="failed", reason="killed"),), (Trial("he", 0, (math.nan,), status="diverged"),)],
    ids=["none", "all-failed", "nothing-finite"],
)
def test_a_page_without_results_is_still_a_page(trials):
    comparison = analyze(results(*trials))
    text = page.render(comparison)
    assert comparison.sentence in text
    assert data_of(text)["curves"] == {}


@pytest.mark.slow
def test_a_thousand_trials_stay_below_six_megabytes():
    names = [f"scheme{index}" for index in range(10)]
    rng = np.random.default_rng(0)
    losses = tuple(2.3 * rng.random(200))
    depth = tuple(rng.random(20))
    trials = [
        Trial(name, seed, losses, losses, activations=[depth] * 2, gradients=[depth] * 2, at={"optimizer.lr": lr / 100})
        for name in names
        for lr in range(1, 21)
        for seed in range(5)
    ]
    text = page.render(analyze(results(*trials, axes=("init", "optimizer.lr"))))
    found = data_of(text)
    assert len(found["trials"]) == 1000
    assert len(found["curves"]["train_loss"]) == 200
    assert len(text.encode()) < 6_000_000


def test_report_opens_the_page_it_wrote(tmp_path, monkeypatch):
    launched = []
    monkeypatch.setattr("typer.launch", launched.append)
    folder(tmp_path, HE)
    assert CliRunner().invoke(app, ["report", str(tmp_path), "--open"]).exit_code == 0
    assert launched == [str(tmp_path / "report.html")]
    assert "<!doctype html>" in (tmp_path / "report.html").read_text()
