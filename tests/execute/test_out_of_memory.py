"""Memory that runs out in a stack: its trials are trained in halves, down to one that is told what to do."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from small_runs import Planned, assert_same, done, of_kind, tables

from initbench.execute import Failed, Finished, Progressed, Resources, Started, execute, worker
from initbench.execute.halving import ADVICE, Halving, Part
from initbench.plan import StackPlan
from initbench.records import ResultsFolder
from initbench.train.initialise import Failure

SHORT = Failure("no memory", out_of_memory=True)


def allocate(size: int) -> torch.Tensor:
    """What the CPU's allocator raises when it is asked for more than there is."""
    return torch.empty(size, dtype=torch.float64)


@dataclass
class Small:
    """An executor without room for more than ``most`` trials at once; what it was asked to train is in ``tried``."""

    most: int
    tried: list[int] = field(default_factory=list)

    def run(self, stacks, _materials) -> Iterator[object]:
        for stack in stacks:
            size = len(stack.trials)
            self.tried.append(size)
            yield Progressed(stack.id, 1, 2, {})
            yield stack, SHORT if size > self.most else Failure("another thing")


@pytest.mark.parametrize("most", [0, 1, 2, 3, 8])
def test_every_trial_is_settled_once_whatever_the_memory_holds(planned: Planned, most: int) -> None:
    work, small = planned(), Small(most)
    said = list(Halving(small, work.done).run(work.stacks, {}))
    parts = [word for word in said if isinstance(word, Part)]
    settled = [trial.id for part in parts for trial in part.trained.trials]
    assert sorted(settled) == sorted(trial.id for trial in work.plan.trials)
    assert all(len(part.trained.trials) <= max(most, 1) for part in parts)
    assert {part.stack.id for part in parts} == {stack.id for stack in work.stacks}
    assert {word.stack for word in said if isinstance(word, Progressed)} == {stack.id for stack in work.stacks}
    reasons = {part.outcome.reason for part in parts}
    assert reasons == ({f"no memory; {ADVICE}"} if most == 0 else {"another thing"})


def test_halves_come_before_further_stacks_so_that_few_wait(planned: Planned) -> None:
    work, small, taken = planned(), Small(1), []

    def counted() -> Iterator[StackPlan]:
        for stack in work.stacks:
            taken.append(len(small.tried))
            yield stack

    assert len(list(Halving(small, frozenset()).run(counted(), {}))) > 0
    assert small.tried == [4, 2, 1, 1, 2, 1, 1] * 4
    assert taken == [0, 7, 14, 21]  # no stack is taken before the one before it is settled


def test_halves_whose_trials_are_done_are_not_trained_again(planned: Planned) -> None:
    work, small = planned(), Small(2)
    first = work.stacks[0]
    kept = frozenset(trial.id for trial in first.trials[:2])
    (part,) = [word for word in Halving(small, kept).run([first], {}) if isinstance(word, Part)]
    assert part.trained.trials == first.trials[2:]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you ..."
        ),
        RuntimeError("[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried ..."),
        RuntimeError("std::bad_alloc"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB)"),
    ],
    ids=lambda error: f"{type(error).__name__} {error}"[:40],
)
def test_what_says_that_memory_ran_out_is_known_for_it(error: Exception) -> None:
    assert Failure.of(error).out_of_memory


def test_the_allocator_says_what_it_is_expected_to_say() -> None:
    with pytest.raises(RuntimeError) as refused:
        allocate(2**50)
    assert Failure.of(refused.value).out_of_memory


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("memory")])
def test_other_failures_are_not_taken_for_it(error: Exception) -> None:
    assert not Failure.of(error).out_of_memory


@pytest.fixture
def two_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training that finds room for two trials."""
    train = worker.train

    def cramped(trials, *rest):
        if len(trials) > 2:
            allocate(2**50)
        return train(trials, *rest)

    monkeypatch.setattr(worker, "train", cramped)


@pytest.mark.usefixtures("two_at_once")
def test_a_stack_that_does_not_fit_is_trained_in_halves(planned: Planned) -> None:
    work = planned()
    events = done(work)
    assert of_kind(events, Failed) == []
    assert sum(event.trials for event in of_kind(events, Finished)) == len(work.plan.trials)
    assert {event.stack for event in events if not isinstance(event, Started)} == {stack.id for stack in work.stacks}
    assert len(planned().missing) == len(planned().pending) == 0


def test_halves_agree_with_the_whole_up_to_rounding(planned: Planned, request: pytest.FixtureRequest) -> None:
    done(planned(folder="whole"))
    request.getfixturevalue("two_at_once")
    done(planned(folder="halves"))
    path = planned().folder.path.parent
    halves, whole = tables(path / "halves"), tables(path / "whole")
    for name in ("train_loss", "test_loss"):
        # Twelve steps of SGD add a few float32 roundings (6e-8) each, in another order of summation.
        np.testing.assert_allclose(halves["curves"][name], whole["curves"][name], rtol=1e-4)
    assert halves["outcomes"]["id"].tolist() == whole["outcomes"]["id"].tolist()


def test_a_trial_that_alone_is_too_large_fails_with_advice(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "train", lambda *_: allocate(2**50))
    work = planned()
    events = done(work)
    assert sum(event.trials for event in of_kind(events, Failed)) == len(work.plan.trials)
    outcomes = ResultsFolder(work.folder.path).read().records.outcomes
    assert set(outcomes["status"]) == {"failed"}
    assert outcomes["reason"].str.contains("can't allocate memory").all()
    assert outcomes["reason"].str.contains("use a smaller network or batch_size").all()
    assert len(planned().missing) == len(work.plan.trials)  # and it is no result: next time they are tried again


def test_a_run_that_was_left_amid_its_halves_goes_on_with_what_is_missing(
    planned: Planned, request: pytest.FixtureRequest
) -> None:
    done(planned(folder="whole"))
    request.getfixturevalue("two_at_once")
    events = execute(planned(), Resources(workers=1))
    next(event for event in events if isinstance(event, Finished))
    events.close()
    assert len(planned().done) == 2
    assert of_kind(done(planned()), Failed) == []
    assert len(planned().missing) == 0


def test_memory_that_waits_for_the_garbage_collector_is_not_short(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Traced networks refer to themselves: once the collector has been, the stack fits whole."""
    train, tried = worker.train, []

    def full_at_first(trials, *rest):
        tried.append(len(trials))
        if len(tried) == 1:
            allocate(2**50)
        return train(trials, *rest)

    done(planned(folder="undisturbed"))
    monkeypatch.setattr(worker, "train", full_at_first)
    work = planned()
    assert of_kind(done(work), Failed) == []
    assert tried == [4, *(len(stack.trials) for stack in work.stacks)]
    assert_same(tables(work.folder.path), tables(work.folder.path.parent / "undisturbed"))
