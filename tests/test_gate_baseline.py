"""The baseline file: readable, stable, and refused with a reason where it cannot be trusted."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gated import run

import initbench
from initbench.checking import matching_baseline
from initbench.config import load, load_text
from initbench.gate import BaselineError, baseline_of, read_baseline
from initbench.gate.baseline import VERSION, hash_of

ROOT = Path(__file__).parent.parent


@pytest.fixture
def file(tmp_path):
    """A baseline on disk."""
    path = tmp_path / "demo.json"
    baseline_of(run()).write(path)
    return path


def edited(path, change):
    """The file after ``change`` was made to its content."""
    stored = json.loads(path.read_text())
    change(stored)
    path.write_text(json.dumps(stored))
    return path


def refusal(path):
    with pytest.raises(BaselineError) as caught:
        read_baseline(path)
    return str(caught.value)


def test_a_baseline_reads_back_as_it_was_and_is_written_alike_again(file):
    found = read_baseline(file)
    assert found == baseline_of(run())
    assert found.text() == file.read_text()


def test_a_baseline_is_small_has_one_list_a_line_and_no_time_but_one(file):
    text = file.read_text()
    assert len(text) < 6000
    lines = text.splitlines()
    assert max(map(len, lines)) < 200
    assert '      "seeds": [0, 1, 2, 3, 4],' in lines
    assert len(re.findall("made_at", text)) == 1


def test_another_seed_adds_columns_and_no_lines(file, tmp_path):
    more = tmp_path / "more.json"
    baseline_of(run(seeds=range(6))).write(more)
    assert len(more.read_text().splitlines()) == len(file.read_text().splitlines())


def test_a_missing_file_says_how_to_make_one(tmp_path):
    assert "cannot be read: No such file or directory; make one with initbench baseline" in refusal(
        tmp_path / "no.json"
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_refused(file, share):
    text = file.read_text()
    file.write_text(text[: int(share * len(text))])
    assert "not JSON, or cut off" in refusal(file)


def test_nan_by_hand_is_refused(file):
    file.write_text(re.sub(r'("loss_area": \[)[^,]*', r"\1NaN", file.read_text(), count=1))
    assert "found NaN, expected finite numbers, or null" in refusal(file)


def test_infinity_in_disguise_is_refused(file):
    file.write_text(re.sub(r'("loss_area": \[)[^,]*', r"\g<1>1e999", file.read_text(), count=1))
    assert "schemes[0].metrics.loss_area[0]: input should be a finite number" in refusal(file)


def test_a_newer_version_is_refused(file):
    edited(file, lambda stored: stored.update(version=VERSION + 1))
    assert f"written by a newer initbench (baseline version {VERSION + 1}, known up to {VERSION}); upgrade" in refusal(
        file
    )


@pytest.mark.parametrize("content", ["[]", "{}", '{"format": "something else"}'])
def test_other_json_is_refused(file, content):
    file.write_text(content)
    assert "not a baseline" in refusal(file)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda stored: stored.update(version="1"), "version: found"),
        (lambda stored: stored.pop("schemes"), "schemes: field required"),
        (lambda stored: stored.update(schemes=[]), "schemes: tuple should have at least 1 item"),
        (lambda stored: stored["schemes"][0]["seeds"].pop(), "schemes[0]: data_seeds has 5 values for 4 seeds"),
        (
            lambda stored: [stored["schemes"][0][name].__setitem__(1, 0) for name in ("seeds", "data_seeds")],
            "schemes[0]: a seed occurs twice",
        ),
        (lambda stored: stored["schemes"][0]["metrics"].pop("loss_area"), "schemes[0]: there is no loss_area"),
        (lambda stored: stored["schemes"][1]["metrics"].update(loss_area=["x"] * 5), "schemes[1].metrics.loss_area[0]"),
        (lambda stored: stored["config"].append("seeds: 9"), "config_hash does not belong to this config"),
        (lambda stored: stored.update(extra=1), "extra: extra inputs are not permitted"),
    ],
)
def test_what_no_run_can_have_written_is_refused(file, change, reason):
    assert reason in refusal(edited(file, change))


SMALL = """\
name: small
dataset: {name: synthetic, features: 4, classes: 2, samples: 40, test_samples: 20}
network: {name: mlp, depth: 2, width: 4}
init: [he, xavier]
batch_size: 20
steps: 4
seeds: 2
"""


def test_a_baseline_says_when_its_run_started(tmp_path):
    before = datetime.now(UTC).replace(microsecond=0)
    made = initbench.baseline(load_text(SMALL, "small.yaml", (), tmp_path), tmp_path / "small.json", data_dir=tmp_path)
    assert before <= datetime.fromisoformat(made.provenance["made_at"]) <= datetime.now(UTC)


def stored_for(text, tmp_path):
    """A baseline file that belongs to a config, its numbers made up."""
    experiment = load_text(text, "small.yaml", (), tmp_path)
    made = baseline_of(run(seeds=range(len(experiment.seeds))))
    config = tuple(experiment.to_yaml().rstrip("\n").split("\n"))
    made = made.model_copy(update={"config": config, "config_hash": hash_of(experiment.to_yaml())})
    made.write(tmp_path / "small.json")
    return tmp_path / "small.json", experiment


def test_a_baseline_of_the_same_config_matches_whatever_it_is_called(tmp_path):
    path, experiment = stored_for(SMALL, tmp_path)
    renamed = load_text(SMALL.replace("small", "other") + "expect: {he: {reached: all}}\n", "x.yaml", (), tmp_path)
    assert matching_baseline(path, experiment, tmp_path) == matching_baseline(path, renamed, tmp_path)


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("optimizer.lr=0.5", "optimizer: the baseline has lr 0.01, the config 0.5"),
        ("steps=5", "steps: the baseline has 4, the config 5"),
        ("init=he,lecun", "init: the baseline has xavier gain=1.0 distribution='uniform', the config lecun"),
        ("init=he", "init: the baseline has"),
        ("seeds=3", "seeds: the baseline has 2, the config 3"),
        ("target.value=0.25", "target: the baseline has value"),
    ],
)
def test_a_baseline_of_another_config_is_refused_and_the_difference_named(tmp_path, override, reason):
    path, _ = stored_for(SMALL, tmp_path)
    with pytest.raises(BaselineError) as caught:
        matching_baseline(path, load_text(SMALL, "small.yaml", [override], tmp_path), tmp_path)
    assert "the baseline is of another config; --update accepts the config as it is now" in str(caught.value)
    assert str(caught.value).startswith(f"{path}: {reason}")  # what differs comes first
    assert len(str(caught.value).splitlines()) == 1
    assert ("--seeds compares with other seeds" in str(caught.value)) == override.startswith("seeds")


def test_other_seeds_match_where_they_are_asked_for(tmp_path):
    path, _ = stored_for(SMALL, tmp_path)
    other = load_text(SMALL, "small.yaml", ["seeds=[7,8]"], tmp_path)
    assert matching_baseline(path, other, tmp_path, other_seeds=True).name == "demo"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda stored: stored["schemes"].pop(), "schemes: xavier is missing"),
        (lambda stored: stored["schemes"][0].update(scheme="lecun"), "schemes: he is missing"),
        (
            lambda stored: [stored["schemes"][0][name].__setitem__(1, 9) for name in ("seeds", "data_seeds")],
            "schemes: he has no seed 1",
        ),
        (
            lambda stored: stored["schemes"].append({**stored["schemes"][0], "scheme": "lecun"}),
            "schemes: found lecun, which the baseline's own config does not train",
        ),
    ],
)
def test_a_missing_scheme_or_seed_is_refused(tmp_path, change, reason):
    path, experiment = stored_for(SMALL, tmp_path)
    edited(path, change)
    with pytest.raises(BaselineError, match=re.escape(reason)):
        matching_baseline(path, experiment, tmp_path)


def test_a_config_that_this_version_cannot_read_is_refused_by_name(tmp_path):
    path, experiment = stored_for(SMALL, tmp_path)
    gone = experiment.to_yaml().replace("name: xavier", "name: gone")

    def change(stored):
        stored.update(config=gone.rstrip("\n").split("\n"), config_hash=hash_of(gone))

    with pytest.raises(BaselineError, match="found 'gone', expected an init"):
        matching_baseline(edited(path, change), experiment, tmp_path)


def test_the_repository_has_the_baseline_of_its_config(tmp_path):
    experiment = load(ROOT / "configs" / "ci.yaml")
    found = matching_baseline(ROOT / "results" / "baselines" / "ci.json", experiment, tmp_path)
    assert [cell.scheme for cell in found.schemes] == [init.label for init in experiment.init]


def test_a_config_of_a_billion_trials_inside_a_baseline_is_told_by_what_is_missing(file):
    config = "init: he\nseeds: {init: 100000, data: 10000}\n"

    def inflated(stored):
        stored["config"] = config.splitlines()
        stored["config_hash"] = hash_of(config)

    edited(file, inflated)
    with pytest.raises(BaselineError, match="which the baseline's own config trains"):
        matching_baseline(file, load_text(config), Path("data"))


def test_a_scheme_that_occurs_twice_is_refused(file):
    edited(file, lambda stored: stored["schemes"].append(stored["schemes"][0]))
    assert "a scheme occurs twice in one setting" in refusal(file)
