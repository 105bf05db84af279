"""Schedules: each against torch.optim.lr_scheduler."""

import warnings
from collections.abc import Callable

import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.optim.lr_scheduler import ConstantLR, CosineAnnealingLR, LinearLR, LRScheduler, SequentialLR, StepLR

from initbench.schedules import SCHEDULES, Schedule

STEPS = 40


def rates(schedule: Schedule) -> list[float]:
    return [schedule.factor(step, STEPS) for step in range(STEPS)]


def torch_rates(make: Callable[[torch.optim.Optimizer], LRScheduler]) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR calls its own parts in a way that it warns about
        scheduler = make(optimizer)
        rates = []
        for _ in range(STEPS):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
    return rates


def test_the_constant_schedule_is_one_throughout() -> None:
    assert rates(SCHEDULES["constant"]()) == [1.0] * STEPS


@pytest.mark.parametrize("floor", [0.0, 0.1])
def test_cosine_is_that_of_torch_over_the_whole_run(floor: float) -> None:
    expected = torch_rates(lambda optimizer: CosineAnnealingLR(optimizer, T_max=STEPS, eta_min=floor))
    assert rates(SCHEDULES["cosine"](floor=floor)) == pytest.approx(expected, abs=1e-12)


def test_cosine_ends_above_its_floor_so_that_no_update_is_wasted() -> None:
    assert rates(SCHEDULES["cosine"]())[-1] > 0


def test_step_is_that_of_torch_with_updates_for_epochs() -> None:
    expected = torch_rates(lambda optimizer: StepLR(optimizer, step_size=12, gamma=0.3))
    assert rates(SCHEDULES["step"](every=12, gamma=0.3)) == pytest.approx(expected, abs=1e-12)


AFTER_WARMUP: list[tuple[Schedule, Callable[[torch.optim.Optimizer], LRScheduler]]] = [
    (SCHEDULES["constant"](warmup=8), lambda optimizer: ConstantLR(optimizer, factor=1.0)),
    (SCHEDULES["cosine"](warmup=8), lambda optimizer: CosineAnnealingLR(optimizer, T_max=STEPS - 8)),
    (SCHEDULES["step"](warmup=8, every=12), lambda optimizer: StepLR(optimizer, step_size=12)),
]


@pytest.mark.parametrize(("schedule", "after"), AFTER_WARMUP, ids=lambda value: getattr(value, "label", ""))
def test_warm_up_is_the_linear_one_of_torch_and_comes_before_the_decay(schedule: Schedule, after: Callable) -> None:
    def chained(optimizer: torch.optim.Optimizer) -> LRScheduler:
        linear = LinearLR(optimizer, start_factor=1 / 9, total_iters=8)
        return SequentialLR(optimizer, [linear, after(optimizer)], milestones=[8])

    assert rates(schedule) == pytest.approx(torch_rates(chained), abs=1e-12)


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_a_warm_up_longer_than_the_run_rises_to_its_end(name: str) -> None:
    options = {"every": 5} if name == "step" else {}
    found = rates(SCHEDULES[name](warmup=100, **options))
    assert found == [(step + 1) / 101 for step in range(STEPS)]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("constant", {"warmup": -1}),
        ("cosine", {"floor": 1.5}),
        ("step", {"every": 0}),
        ("step", {"every": 5, "gamma": 0.0}),
    ],
)
def test_options_out_of_bounds_are_refused(name: str, options: dict) -> None:
    with pytest.raises(ValidationError, match=list(options)[-1]):
        SCHEDULES[name](**options)


def test_step_needs_its_interval() -> None:
    with pytest.raises(ValidationError, match="every"):
        SCHEDULES["step"]()
