"""Optimizers: each against the plain (unfused, one parameter at a time) rule of torch.optim."""

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from initbench.optimizers import OPTIMIZERS, bare_update
from initbench.seeding import generator

TORCH = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "nadam": torch.optim.NAdam,
}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "dampening": 0.1}),
    ("sgd", {"momentum": 0.9, "nesterov": True}),
    ("adam", {}),
    ("adam", {"betas": (0.8, 0.95), "eps": 1e-6, "amsgrad": True}),
    ("adamw", {}),
    ("adamw", {"betas": (0.8, 0.95), "eps": 1e-6, "amsgrad": True}),
    ("rmsprop", {}),
    ("rmsprop", {"alpha": 0.9, "momentum": 0.5, "centered": True, "eps": 1e-6}),
    ("adagrad", {}),
    ("adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.1, "eps": 1e-6}),
    ("nadam", {}),
    ("nadam", {"betas": (0.8, 0.95), "momentum_decay": 0.01, "eps": 1e-6}),
]


def trained(optimizer: torch.optim.Optimizer, parameters: Iterable[Tensor]) -> list[Tensor]:
    """The parameters after twenty steps on a quadratic bowl with an axis for each element."""
    parameters = list(parameters)
    rng = generator(1)
    scales = [torch.rand(p.shape, generator=rng) + 0.1 for p in parameters]
    for _ in range(20):
        optimizer.zero_grad()
        loss = sum((scale * p**2).sum() for scale, p in zip(scales, parameters, strict=True))
        loss.backward()
        optimizer.step()
    return [p.detach() for p in parameters]


def start() -> list[nn.Parameter]:
    rng = generator(0)
    return [nn.Parameter(torch.randn(shape, generator=rng)) for shape in [(33, 17), (5,), (4, 3, 3, 3)]]


@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_the_fast_kernel_trains_as_the_plain_rule_does(name: str, options: dict, weight_decay: float) -> None:
    ours, reference = start(), start()
    fast = trained(OPTIMIZERS[name](lr=0.01, **options).build(ours, weight_decay), ours)
    plain = TORCH[name](reference, lr=0.01, weight_decay=weight_decay, foreach=False, **options)
    # float32 rounding, 20 steps of about a dozen operations on values near 1: 240 · 6e-8, with room for adam's division
    torch.testing.assert_close(fast, trained(plain, reference), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_the_bare_update_is_the_step_of_the_optimizer(name: str) -> None:
    ours, theirs = start(), start()
    optimizer, reference = (OPTIMIZERS[name]().build(own, 0.01) for own in (ours, theirs))
    update = bare_update(optimizer)
    for step in range(3):
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=generator(step))
            other.grad = mine.grad.clone()
        update()
        reference.step()
    assert all(torch.equal(mine, other) for mine, other in zip(ours, theirs, strict=True))
    assert all(mine.requires_grad for mine in ours)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_defaults_are_those_of_torch_but_for_the_rate_of_sgd(name: str) -> None:
    component = OPTIMIZERS[name]()
    defaults = TORCH[name](start()).defaults
    expected = {**defaults, "lr": 0.01} if name == "sgd" else defaults
    assert component.options() == {key: expected[key] for key in component.options()}


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_every_option_reaches_torch(name: str) -> None:
    options = {"lr": 0.125, "momentum": 0.5, "betas": (0.5, 0.25), "eps": 0.5, "alpha": 0.5, "lr_decay": 0.5}
    options |= {"nesterov": True, "amsgrad": True, "centered": True, "momentum_decay": 0.5}
    options |= {"initial_accumulator_value": 0.5}
    chosen = {key: value for key, value in options.items() if key in OPTIMIZERS[name].model_fields}
    built = OPTIMIZERS[name](**chosen).build(start(), weight_decay=0.375)
    assert chosen | {"weight_decay": 0.375} == {key: built.defaults[key] for key in (*chosen, "weight_decay")}


@pytest.mark.parametrize(
    ("name", "fused"),
    [("sgd", True), ("adam", True), ("adamw", True), ("adagrad", True), ("rmsprop", None), ("nadam", None)],
)
def test_the_fused_kernel_is_used_where_torch_has_one(name: str, fused: bool | None) -> None:
    assert OPTIMIZERS[name]().build(start(), 0.0).defaults.get("fused") is fused


def test_the_catalog_holds_the_optimizers_of_the_guide() -> None:
    assert set(OPTIMIZERS) == set(TORCH)


def test_nesterov_without_momentum_is_refused_in_plain_words() -> None:
    with pytest.raises(ValidationError, match="nesterov needs momentum > 0"):
        OPTIMIZERS["sgd"](nesterov=True)


def test_nesterov_with_dampening_is_refused_in_plain_words() -> None:
    with pytest.raises(ValidationError, match="nesterov needs dampening 0"):
        OPTIMIZERS["sgd"](nesterov=True, momentum=0.9, dampening=0.5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("sgd", {"lr": 0.0}),
        ("sgd", {"lr": float("nan")}),
        ("sgd", {"lr": float("inf")}),
        ("sgd", {"momentum": 1.0}),
        ("adam", {"betas": (0.9, 1.0)}),
        ("adam", {"betas": (0.9,)}),
        ("adamw", {"eps": -1.0}),
        ("rmsprop", {"alpha": 1.5}),
        ("adagrad", {"lr_decay": -0.1}),
        ("nadam", {"momentum": 0.9}),
        ("adam", {"lr": "0.1"}),
    ],
)
def test_options_out_of_bounds_are_refused(name: str, options: dict) -> None:
    with pytest.raises(ValidationError, match=next(iter(options))):
        OPTIMIZERS[name](**options)
