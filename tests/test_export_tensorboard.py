"""TensorBoard: what its own reader finds is what the records hold."""

import exported
import numpy as np
import pytest
from typer.testing import CliRunner

from initbench import records
from initbench.cli import app

pytest.importorskip("tensorboard")
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api_pb2, metadata

START = 1767323045.0  # 2026-01-02T03:04:05 UTC
CURVES = ["train_loss", "test_loss", "test_accuracy", "learning_rate"]


@pytest.fixture
def folder(tmp_path):
    return exported.folder(tmp_path / "run")


def export(folder, *arguments):
    result = CliRunner().invoke(app, ["export", str(folder), "--to", "tensorboard", *arguments])
    assert result.exit_code == 0, result.output
    return folder / "tensorboard" / "two depths"


def read(run):
    accumulator = EventAccumulator(str(run), size_guidance={"scalars": 0})
    accumulator.Reload()
    return accumulator


def scalars(run, tag):
    return {event.step: event.value for event in read(run).Scalars(tag)}


def single(values):
    """The values as TensorBoard stores them."""
    return {step: float(np.float32(value)) for step, value in values.items()}


def test_there_is_a_run_for_each_trial_named_by_scheme_setting_and_seed(folder):
    logs = export(folder)
    found = {str(path.parent.relative_to(logs)) for path in logs.rglob("*tfevents*")}
    assert found == {
        f"{init}/depth={depth}/seed={seed}"
        for init in ("he", "normal[std=0.01]")
        for depth in (3, 10)
        for seed in (0, 1)
    }


@pytest.mark.parametrize("tag", CURVES)
def test_curves_are_read_back_as_they_were(folder, tag):
    run = export(folder) / "he" / "depth=3" / "seed=1"
    expected = exported.measured(records.read(folder), "he-1-3", tag)
    assert len(expected) >= 3
    assert scalars(run, tag) == single(expected)


def test_a_curve_that_left_the_finite_numbers_keeps_its_last_value(folder):
    run = export(folder) / "normal[std=0.01]" / "depth=10" / "seed=0"
    assert scalars(run, "train_loss") == {10: 2.0, 20: float("inf")}


@pytest.mark.parametrize("column", ["activation_variance", "grad_variance"])
def test_every_layer_is_read_back_at_every_probed_step(folder, column):
    run = export(folder) / "normal[std=0.01]" / "depth=10" / "seed=0"
    tags = [f"{column}/1-layer1", f"{column}/2-layer2", f"{column}/3-output"]
    assert [tag for tag in read(run).Tags()["scalars"] if tag.startswith(column)] == tags
    for layer, tag in enumerate(tags, start=1):
        expected = exported.measured_in(records.read(folder), "normal[std=0.01]-0-10", layer, column)
        assert scalars(run, tag) == single(expected)


def test_options_are_hyperparameters_and_seeds_of_a_scheme_one_group(folder):
    logs = export(folder)
    starts = {}
    for name in ("he/depth=3/seed=0", "he/depth=3/seed=1", "he/depth=10/seed=0", "normal[std=0.01]/depth=10/seed=1"):
        plugin = read(logs / name).PluginTagToContent("hparams")
        starts[name] = metadata.parse_session_start_info_plugin_data(plugin[metadata.SESSION_START_INFO_TAG])
    first, second, deeper, failed = starts.values()
    assert first.hparams["init"].string_value == "he"
    assert first.hparams["network.depth"].number_value == 3
    assert "seed" not in first.hparams
    assert first.group_name == second.group_name
    assert len({first.group_name, deeper.group_name, failed.group_name}) == 3


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("he/depth=10/seed=0", api_pb2.STATUS_SUCCESS),
        ("normal[std=0.01]/depth=10/seed=0", api_pb2.STATUS_FAILURE),
        ("normal[std=0.01]/depth=10/seed=1", api_pb2.STATUS_FAILURE),
    ],
)
def test_a_trial_that_did_not_finish_is_marked_as_failed(folder, name, status):
    plugin = read(export(folder) / name).PluginTagToContent("hparams")
    end = metadata.parse_session_end_info_plugin_data(plugin[metadata.SESSION_END_INFO_TAG])
    assert end.status == status


def test_wall_times_are_those_of_the_run_whenever_it_is_exported(folder):
    events = read(export(folder) / "he" / "depth=3" / "seed=0").Scalars("train_loss")
    # 30 updates in 2 seconds; a wall time is stored as a double, to better than a microsecond in this century.
    assert [event.wall_time for event in events] == pytest.approx([START + 2 / 3, START + 4 / 3, START + 2], abs=1e-6)


def test_exporting_again_replaces_runs_and_forgets_those_that_are_gone_but_touches_nothing_else(folder):
    logs = export(folder)
    before = {path: path.read_bytes() for path in logs.rglob("*tfevents*")}
    gone = logs / "lecun" / "seed=0" / "events.out.tfevents.initbench"
    foreign = logs / "lecun" / "events.out.tfevents.1.other"
    for path in (gone, foreign):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    export(folder)
    assert {path: path.read_bytes() for path in logs.rglob("*tfevents.initbench")} == before
    assert not gone.parent.exists()
    assert foreign.exists()


def test_names_that_no_folder_can_have_are_changed_and_never_lead_outside():
    from initbench.export.tensorboard import _safe

    assert _safe('normal[path="a/b"]') == "normal[path=_a_b_]"
    assert _safe("..") == "_"


def test_exporting_needs_neither_torch_nor_tensorflow(folder):
    import json
    import subprocess
    import sys

    program = (
        "from typer.testing import CliRunner\nfrom initbench.cli import app\nimport json, sys\n"
        f"result = CliRunner().invoke(app, ['export', {str(folder)!r}, '--to', 'tensorboard'])\n"
        "assert result.exit_code == 0, result.output\nprint(json.dumps(sorted(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"torch", "tensorflow"} & set(json.loads(ended.stdout))
