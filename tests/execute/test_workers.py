"""Workers: what a worker thread or process is set to, and that results know nothing of them."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from small_runs import Planned, assert_same, done, of_kind, tables

from initbench.config import ConfigError
from initbench.cores import available_cores
from initbench.execute import Event, Failed, Finished, Progressed, Resources, Started, execute
from initbench.execute import worker as worker_module
from initbench.execute.estimate import estimate
from initbench.execute.resources import resolve_device, stack_limit
from initbench.records import ResultsFolder

SUBNORMAL = 1e-40


def flushes() -> bool:
    """Whether this thread turns subnormal results into zero."""
    return torch.tensor([SUBNORMAL]).mul(1.0).item() == 0


def children() -> list[int]:
    """The worker processes that are still there, after a moment to end."""
    deadline = time.monotonic() + 5
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.05)
    return [process.pid for process in multiprocessing.active_children()]


def test_a_worker_thread_flushes_subnormals_and_the_caller_keeps_its_settings(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    train = worker_module.train

    def spying(*arguments):
        seen.append((flushes(), torch.get_num_threads()))
        return train(*arguments)

    monkeypatch.setattr(worker_module, "train", spying)
    torch.set_flush_denormal(False)
    threads = torch.get_num_threads()
    work = planned()
    assert of_kind(done(work), Failed) == []
    assert seen == [(True, 1)] * len(work.stacks)
    assert not flushes()
    assert torch.get_num_threads() == threads


def test_results_do_not_depend_on_subnormals_of_the_caller(planned: Planned) -> None:
    settings = ("init=he,normal[std=1e-9]", "network.depth=6")
    for flush in (False, True):
        torch.set_flush_denormal(flush)
        try:
            done(planned(*settings, folder=f"flush {flush}"))
        finally:
            torch.set_flush_denormal(False)
    path = planned().folder.path.parent
    assert_same(tables(path / "flush False"), tables(path / "flush True"))


@pytest.mark.slow
def test_results_do_not_depend_on_the_number_of_workers(planned: Planned) -> None:
    settings = ("init=he,xavier,normal[std=1e30]", "network.dropout=0.2")
    for workers in (1, 2, 4):
        events = done(planned(*settings, folder=f"workers {workers}"), workers)
        assert isinstance(events[0], Started)
        assert events[0].workers == min(workers, events[0].stacks)
        assert of_kind(events, Failed) == []
        assert of_kind(events, Progressed)
    path = planned().folder.path.parent
    for workers in (2, 4):
        assert_same(tables(path / f"workers {workers}"), tables(path / "workers 1"))
    assert children() == []


@pytest.mark.slow
def test_worker_processes_flush_subnormals_and_fail_like_threads(planned: Planned) -> None:
    events = done(planned("init=trouble[how=needs_flushing],trouble[only=tanh]"), workers=2)
    assert {event.reason for event in of_kind(events, Failed)} == {"RuntimeError: no weights today"}
    assert of_kind(events, Finished)


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_nothing_but_time(planned: Planned) -> None:
    done(planned("steps=400", folder="undisturbed"))
    work = planned("steps=400")
    killed = False
    events = []
    for event in execute(work, Resources(workers=2)):
        events.append(event)
        if isinstance(event, Progressed) and event.step < event.steps and not killed:
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)
            killed = True
    assert killed
    assert of_kind(events, Failed) == []
    assert_same(tables(work.folder.path), tables(work.folder.path.parent / "undisturbed"))
    assert children() == []


@pytest.mark.slow
def test_a_trial_that_kills_its_worker_is_the_only_one_that_is_called_failed(planned: Planned) -> None:
    """Its stack is cut in halves until it is alone; its neighbors get their records."""
    work = planned("init=he,trouble[how=dies,only=tanh,seed=1]", "seeds=2")
    events = done(work, workers=2)
    (failure,) = of_kind(events, Failed)
    assert failure.trials == 1
    assert "died" in failure.reason
    assert "smaller network or batch_size" in failure.reason
    outcomes = ResultsFolder(work.folder.path).read().records.outcomes
    (failed,) = outcomes[outcomes["status"] == "failed"].to_dict("records")
    assert (failed["init"].partition("[")[0], failed["activation"], failed["seed"]) == ("trouble", "tanh", 1)
    assert sum(event.trials for event in of_kind(events, Finished)) == 7
    assert {event.stack for event in events if not isinstance(event, Started)} == {stack.id for stack in work.stacks}
    assert children() == []


@pytest.mark.slow
def test_an_interrupt_keeps_finished_stacks_and_leaves_no_process(planned: Planned) -> None:
    work = planned("steps=500", "seeds=8")
    events = execute(work, Resources(workers=2))
    finished = next(event for event in events if isinstance(event, Finished))
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        interrupt(events)
    assert time.monotonic() - started < 10  # workers are ended, not waited for
    assert children() == []
    kept = planned("steps=500", "seeds=8").done
    assert len(kept) >= finished.trials
    assert len(kept) < len(work.plan.trials)


def test_a_thread_that_is_left_early_stops_at_its_next_row(planned: Planned) -> None:
    work = planned("steps=100000")
    events = execute(work, Resources(workers=1))
    next(event for event in events if isinstance(event, Progressed))
    started = time.monotonic()
    events.close()
    assert time.monotonic() - started < 5  # the whole stack takes minutes
    assert planned("steps=100000").done == frozenset()


def interrupt(events: Iterator[Event]) -> None:
    """What Ctrl-C does while a run is waiting for its workers."""
    events.throw(KeyboardInterrupt())


def test_one_worker_for_each_core_or_for_an_accelerator_unless_told() -> None:
    assert Resources(workers=3).worker_count("cpu") == 3
    assert Resources().worker_count("cpu") == available_cores()
    assert Resources(threads=10_000).worker_count("cpu") == 1
    assert Resources().worker_count("cuda") == 1


def test_a_device_is_what_the_config_names_or_the_best_one() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in ("cpu", "cuda")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_device_that_is_not_there_stops_before_anything_runs(planned: Planned, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="device: found cuda, which this machine lacks; expected auto or cpu"):
        planned("device=cuda")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("extra", ["network.dropout=0.2", "network.norm=batch"])
def test_an_estimate_leaves_the_caller_and_the_folder_alone(planned: Planned, extra: str) -> None:
    work, threads = planned(extra), torch.get_num_threads()
    assert 0 < estimate(work, workers=2, threads=1) < 60
    assert torch.get_num_threads() == threads
    assert not flushes()
    assert not work.folder.path.exists()


def test_memory_bounds_the_size_of_a_stack(planned: Planned) -> None:
    def limit(*overrides: str) -> int:
        work = planned(*overrides)
        dataset = work.experiment.dataset[0]
        return stack_limit(work.plan.trials[0], {dataset.label: dataset.spec(work.data_dir)}, "cpu")

    assert limit() == 8
    # 2048² weights of 4 bytes, four times over, are 64 MiB: two such layers leave room for one trial in 256 MiB.
    assert limit("network.depth=4", "network.width=2048") == 1
    assert 1 < limit("network.depth=3", "network.width=2048") < 8


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here; the CPU's results are the reference")
def test_a_gpu_gives_the_results_of_the_cpu_to_rounding(planned: Planned) -> None:
    for device in ("cpu", "cuda"):
        assert of_kind(done(planned(f"device={device}", folder=device)), Failed) == []
    path = planned().folder.path.parent
    cpu, cuda = tables(path / "cpu"), tables(path / "cuda")
    assert set(cuda["outcomes"]["device"]) == {"cuda"}
    for column in ("train_loss", "test_loss"):
        ours, theirs = cuda["curves"][column].to_numpy(), cpu["curves"][column].to_numpy()
        # Twelve steps of SGD add a few float32 roundings each, in another order of summation.
        np.testing.assert_allclose(ours, theirs, rtol=1e-4)
