"""MLflow: what its own client finds is what the records hold."""

import math

import exported
import pytest
from typer.testing import CliRunner

from initbench import records
from initbench.cli import app
from initbench.export._runs import runs

pytest.importorskip("mlflow")
pytest.importorskip("sqlalchemy")
pytest.importorskip("alembic")
from mlflow import MlflowClient

pytestmark = [
    pytest.mark.slow,  # a database is set up by dozens of migrations
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SADeprecationWarning"),  # of what MLflow asks of it
]
HE, DIVERGED, FAILED = "he-1-3", "normal[std=0.01]-0-10", "normal[std=0.01]-1-10"
LARGEST = 1.7976931348623157e308  # MLflow's databases cannot hold infinity


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        made = exported.folder(tmp_path_factory.mktemp("mlflow") / "run")
        export(made)
        yield made


def export(folder, *arguments):
    result = CliRunner().invoke(app, ["export", str(folder), "--to", "mlflow", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def client(folder):
    return MlflowClient(tracking_uri=f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}")


def stored(client, trial):
    experiment = client.get_experiment_by_name("two depths")
    (run,) = client.search_runs([experiment.experiment_id], f"tags.`initbench.id` = '{trial}'")
    return run


def history(client, run, metric):
    return {one.step: one.value for one in client.get_metric_history(run.info.run_id, metric)}


def test_there_is_a_run_for_each_trial_named_by_scheme_setting_and_seed(client):
    experiment = client.get_experiment_by_name("two depths")
    names = {run.info.run_name for run in client.search_runs([experiment.experiment_id])}
    assert names == {
        f"{init}/depth={depth}/seed={seed}"
        for init in ("he", "normal[std=0.01]")
        for depth in (3, 10)
        for seed in (0, 1)
    }


@pytest.mark.parametrize("metric", ["train_loss", "test_loss", "test_accuracy", "learning_rate"])
def test_curves_are_read_back_as_they_were(folder, client, metric):
    expected = exported.measured(records.read(folder), HE, metric)
    assert len(expected) >= 3
    assert history(client, stored(client, HE), metric) == expected


@pytest.mark.parametrize("column", ["activation_variance", "grad_variance"])
@pytest.mark.parametrize(("layer", "name"), [(1, "1-layer1"), (2, "2-layer2"), (3, "3-output")])
def test_every_layer_is_read_back_at_every_probed_step(folder, client, column, layer, name):
    expected = exported.measured_in(records.read(folder), DIVERGED, layer, column)
    found = history(client, stored(client, DIVERGED), f"{column}/{name}")
    assert found == {step: min(value, LARGEST) for step, value in expected.items()}


def test_options_are_params_and_what_became_of_a_trial_its_tags(client):
    run = stored(client, DIVERGED)
    assert run.data.params["init"] == "normal[std=0.01]"
    assert run.data.params["network.depth"] == "10"
    assert run.data.params["seed"] == "0"
    assert run.data.tags["initbench.status"] == "diverged"
    assert run.data.tags["initbench.reason"] == "train loss inf at step 20"
    assert run.data.tags["initbench.first_bad_layer"] == "layer2"
    assert run.info.status == "FAILED"
    assert stored(client, FAILED).data.tags["initbench.reason"] == "RuntimeError: out of luck"


def test_final_values_stand_beside_the_curves(client):
    run = stored(client, HE)
    assert run.info.status == "FINISHED"
    assert run.data.metrics["steps_to_target"] == 30
    assert run.data.metrics["best_test_accuracy"] == 0.75
    assert run.data.metrics["final_train_loss"] == 0.4


def test_times_are_those_of_the_run_whenever_it_is_exported(client):
    run = stored(client, HE)
    started = 1767323045000  # 2026-01-02T03:04:05 UTC, in milliseconds; the trial took two seconds
    assert (run.info.start_time, run.info.end_time) == (started, started + 2000)


def test_exporting_again_doubles_nothing_and_says_so(folder, client):
    experiment = client.get_experiment_by_name("two depths").experiment_id
    before = {run.info.run_id for run in client.search_runs([experiment])}
    assert export(folder).startswith("0 trials written")
    assert {run.info.run_id for run in client.search_runs([experiment])} == before


def test_a_trial_that_was_trained_again_replaces_its_run_alone(tmp_path, folder, client):
    again = exported.folder(tmp_path / "again")
    table = records.ResultsFolder(again)
    found = exported.trials()
    found[-1] = exported.Trial("normal[std=0.01]", 1, losses=(2.0, 0.3), at={"network.depth": 10})
    table.append("stack", exported.records(found))
    said = export(again, "--uri", f"sqlite:///{folder / 'mlflow' / 'mlflow.db'}")
    assert said.startswith("1 trial written")
    assert "7 there already" in said
    assert stored(client, FAILED).info.status == "FINISHED"
    export(folder)
    assert stored(client, FAILED).info.status == "FAILED"  # as the other tests expect it


def test_an_export_that_was_cut_short_is_written_anew(folder, client):
    whole = stored(client, HE)
    client.update_run(whole.info.run_id, status="RUNNING")
    assert export(folder).startswith("1 trial written")
    assert stored(client, HE).info.run_id != whole.info.run_id


def test_values_are_missing_or_there_but_never_nan(folder):
    series = [values for run in runs(records.read(folder)) for _, values in run.series.values()]
    assert len(series) > 50
    assert not any(math.isnan(value) for values in series for value in values)


def test_the_address_may_come_from_the_environment(tmp_path, monkeypatch):
    folder = exported.folder(tmp_path / "run")
    address = f"sqlite:///{tmp_path / 'elsewhere.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert f"written to {address}" in export(folder)
    assert (tmp_path / "elsewhere.db").exists()
    assert not (folder / "mlflow").exists()
