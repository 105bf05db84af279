"""Stacks on a real Ray cluster, on loopback: the records of a local run, whatever happens to a node."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from small_runs import TINY, Planned, assert_same, done, of_kind, tables

from initbench.errors import InitbenchError
from initbench.execute import Event, Failed, Finished, Progressed, Resources, Started, execute
from initbench.execute.executors import executor
from initbench.records import ResultsFolder

NODE = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}
SOME_SECONDS = ("steps=500", "seeds=8")  # in stacks enough for two nodes
UNDER_RAY = [
    pytest.mark.ray,
    pytest.mark.slow,
    # Ray leaves files and sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def under_ray(test: Any) -> Any:
    for mark in UNDER_RAY:
        test = mark(test)
    return test


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of one node that hears nothing but this machine, in a folder of its own."""
    place = mkdtemp(prefix="ray", dir="/tmp")  # the path of a socket has to be short
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # Ray then leaves 127.0.0.1 what it is; read on import
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_TMPDIR", place)
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)  # where workers find Trouble
        patch.delenv("RAY_ADDRESS", raising=False)
        Path(place, "ray").mkdir()
        from ray.cluster_utils import Cluster

        made = Cluster(initialize_head=True, connect=False, head_node_args={**NODE, "include_dashboard": False})
        try:
            yield made
        finally:
            made.shutdown()
            shutil.rmtree(place, ignore_errors=True)


def on_ray(cluster: Any, **options: Any) -> Resources:
    return Resources(executor="ray", address=cluster.address, **options)


@under_ray
def test_a_node_that_dies_in_the_middle_costs_no_bit(
    cluster: Any, planned: Planned, capsys: pytest.CaptureFixture[str]
) -> None:
    done(planned(*SOME_SECONDS, folder="local"))
    second = cluster.add_node(**NODE)
    work = planned(*SOME_SECONDS)
    events: list[Event] = []
    for event in execute(work, on_ray(cluster)):
        events.append(event)
        if second is not None and isinstance(event, Finished):
            cluster.remove_node(second, allow_graceful=False)  # kills its processes
            second = None
    assert second is None
    assert capsys.readouterr().out == ""  # Ray tells of the node, and results may go to stdout
    assert events[0] == Started(len(work.trials), 0, len(work.stacks), workers=2)
    assert of_kind(events, Failed) == []
    assert of_kind(events, Progressed) != []
    assert len(of_kind(events, Finished)) == len(work.stacks)
    assert_same(tables(work.folder.path), tables(work.folder.path.parent / "local"))


@under_ray
def test_what_raises_or_kills_its_process_is_a_failure_and_the_rest_goes_on(
    cluster: Any, planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    from initbench.execute import ray

    monkeypatch.setattr(ray, "RETRIES", 0)
    for how, reason in {
        "raises": "RuntimeError: no weights today",
        "dies": "the Ray task was lost",
    }.items():
        work = planned(f"init=trouble[only=tanh,how={how},spare={os.getpid()}]", "seeds=1", folder=how)
        events = list(execute(work, on_ray(cluster)))
        assert len(of_kind(events, Finished)) == len(of_kind(events, Failed)) == 1
        outcomes = ResultsFolder(work.folder.path).read().records.outcomes.set_index("activation")
        assert outcomes["status"].to_dict() == {"relu": "finished", "tanh": "failed"}
        assert outcomes.loc["tanh", "reason"].startswith(reason)


@under_ray
def test_an_interrupted_run_leaves_the_cluster_and_goes_on_elsewhere(cluster: Any, planned: Planned) -> None:
    import ray

    done(planned("seeds=12", folder="local"))
    work = planned("seeds=12")
    events = execute(work, on_ray(cluster))
    finished = next(event for event in events if isinstance(event, Finished))
    with pytest.raises(KeyboardInterrupt):
        events.throw(KeyboardInterrupt())
    assert not ray.is_initialized()
    assert finished.trials <= len(planned("seeds=12").done) < len(work.trials)
    done(planned("seeds=12"))
    assert_same(tables(work.folder.path), tables(work.folder.path.parent / "local"))


@under_ray
def test_the_command_trains_on_the_cluster_that_it_is_told(cluster: Any, planned: Planned, tmp_path: Path) -> None:
    done(planned(folder="local"))
    (tmp_path / "tiny.yaml").write_text(TINY)
    command = [sys.executable, "-m", "initbench", "run", "tiny.yaml", "--out", "ray", "--json", "--executor", "ray"]
    environment = {**os.environ, "RAY_ADDRESS": cluster.address}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["sentence"]
    assert_same(tables(tmp_path / "ray"), tables(tmp_path / "local"))


@under_ray
def test_a_stack_that_no_node_has_room_for_is_refused_at_once(cluster: Any, planned: Planned) -> None:
    import ray

    with pytest.raises(InitbenchError, match=r"no node of the Ray cluster has 64 CPUs, which every stack takes"):
        list(execute(planned(), on_ray(cluster, threads=64)))
    with pytest.raises(InitbenchError, match=r"no node of the Ray cluster has 1 CPU and 0\.5 GPU"):
        executor(on_ray(cluster, gpus=0.5), "cuda", stacks=1)
    assert not ray.is_initialized()


@pytest.mark.ray
@pytest.mark.parametrize(
    ("address", "message"),
    [
        (
            "127.0.0.1:1",
            r"no Ray cluster can be reached at 127\.0\.0\.1:\d+ \(.*\); is its head node running\?",
        ),
        ("nonsense", "--address: found 'nonsense', expected HOST:PORT"),
    ],
)
def test_a_cluster_that_is_not_there_is_one_message_at_once(address: str, message: str, planned: Planned) -> None:
    started = time.monotonic()
    with pytest.raises(InitbenchError, match=message):
        list(execute(planned(), Resources(executor="ray", address=address)))
    assert time.monotonic() - started < 10
    assert not (planned().folder.path / "manifest.json").exists()


def test_without_ray_the_message_says_how_to_get_it(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "initbench.execute.ray", raising=False)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InitbenchError, match=r"pip install 'initbench\[ray\]'"):
        list(execute(planned(), Resources(executor="ray")))


def test_where_nothing_is_left_to_train_no_cluster_is_asked_for(planned: Planned) -> None:
    done(planned())
    assert [type(event) for event in execute(planned(), Resources(executor="ray", address="nowhere:1"))] == [Started]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"address": "head:6379"}, "--address head:6379 is for a cluster; add --executor ray"),
        ({"gpus": 0.5}, r"--gpus 0\.5 is for a cluster; add --executor ray"),
        ({"gpus": 1.5, "executor": "ray"}, r"--gpus: found 1\.5, expected a share such as 0\.25, or a whole number"),
        ({"gpus": -1.0, "executor": "ray"}, "--gpus: found -1, expected a share"),
    ],
)
def test_options_of_a_cluster_that_make_no_sense_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InitbenchError, match=message):
        Resources(**options)


def test_ray_is_imported_by_nothing_but_a_run_on_it() -> None:
    code = "import sys, initbench.api, initbench.cli.stages; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
