"""The training loop against plain PyTorch, and what its rows say."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from example_trials import SMALL, curves_of, prepared, trained
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from initbench.seeding import generator
from initbench.train import loop
from initbench.train.stack import Stack, stack

TUTORIAL = """
dataset: mnist_10k
network: {name: mlp, hidden: [256, 128]}
init: he
batch_size: 64
steps: 40
eval_every: 20
log_every: 1
dtype: float64
seeds: 2
"""


@pytest.fixture
def stacks(monkeypatch: pytest.MonkeyPatch) -> list[Stack]:
    """Every stack that the loop makes from here on."""
    made: list[Stack] = []

    def keeping(networks: Iterable[nn.Module], sample: Tensor) -> Stack:
        made.append(stack(list(networks), sample))
        return made[-1]

    monkeypatch.setattr(loop, "stack", keeping)
    return made


def he_network(shape: tuple[int, ...], seed: int) -> nn.Module:
    """A ReLU network of these widths, its weights drawn as documented: by the parameter's name."""
    network = nn.Sequential(nn.Flatten())
    names = [f"layer{index}" for index in range(1, len(shape) - 1)] + ["output"]
    for name, fan_in, fan_out in zip(names, shape, shape[1:], strict=False):
        linear = nn.Linear(fan_in, fan_out)
        draw = torch.randn(fan_out, fan_in, generator=generator(seed, "weight", f"{name}.weight"))
        with torch.no_grad():
            linear.weight.copy_(draw * math.sqrt(2 / fan_in))
            linear.bias.zero_()
        network.extend([linear, nn.ReLU()] if name != "output" else [linear])
    return network.double()


def shuffled(samples: int, batch_size: int, steps: int, seed: int) -> Iterable[Tensor]:
    """The sample numbers of each batch, as documented: a permutation for each epoch, by the data seed."""
    per_epoch = samples // batch_size
    for step in range(steps):
        epoch, position = divmod(step, per_epoch)
        order = torch.randperm(samples, generator=generator(seed, "batches", str(epoch)))
        yield order[position * batch_size : (position + 1) * batch_size]


def plain_run(network: nn.Module, optimizer: torch.optim.Optimizer, batches: Iterable[tuple[Tensor, Tensor]],
              clip: float | None = None) -> list[float]:  # fmt: skip
    """The loop that a tutorial writes; the loss of each batch before its update."""
    losses = []
    for x, y in batches:
        optimizer.zero_grad()
        loss = functional.cross_entropy(network(x), y)
        loss.backward()
        if clip is not None:
            clip_grad_norm_(network.parameters(), clip)
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize(
    ("settings", "rule", "options", "tolerance"),
    [
        ("sgd[lr=0.05,momentum=0.9]", torch.optim.SGD, {"lr": 0.05, "momentum": 0.9}, 1e-10),
        # Adam divides by the root of a running square: its first steps turn rounding near zero into steps of size lr.
        ("adam", torch.optim.Adam, {"lr": 0.001}, 1e-7),
    ],
    ids=["sgd with momentum", "adam"],
)
def test_the_tutorial_network_trains_as_in_plain_pytorch_step_for_step(
    settings: str, rule: Any, options: dict[str, float], tolerance: float, stacks: list[Stack]
) -> None:
    trials, material = prepared(TUTORIAL, optimizer=settings)
    records = trained(trials, material)
    x, y = material.train.x.double(), material.train.y
    for replica, (trial, curve) in enumerate(zip(trials, curves_of(trials, records), strict=True)):
        network = he_network((784, 256, 128, 10), trial.seed)
        batches = shuffled(len(y), 64, 40, trial.data_seed)
        losses = plain_run(network, rule(network.parameters(), **options), ((x[i], y[i]) for i in batches))
        np.testing.assert_allclose(curve["train_loss"][1:], losses, rtol=tolerance)
        for ours, theirs in zip(stacks[0].state(replica).values(), network.parameters(), strict=True):
            scale = float(theirs.detach().abs().max())
            torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=tolerance * scale)
        with torch.no_grad():
            outputs = network(material.test.x.double())
        test_loss = functional.cross_entropy(outputs, material.test.y).item()
        accuracy = (outputs.argmax(1) == material.test.y).double().mean().item()
        assert curve["test_loss"].iloc[-1] == pytest.approx(test_loss, rel=tolerance)
        assert curve["test_accuracy"].iloc[-1] == pytest.approx(accuracy, abs=1e-12)
        assert losses[-1] < losses[0] / 2


def test_clipping_schedule_and_weight_decay_act_as_in_plain_pytorch() -> None:
    trials, material = prepared(
        dtype="float64", seeds=2, steps=17, log_every=1, weight_decay=0.02, grad_clip=0.7,
        optimizer="adamw[lr=0.02]", schedule="cosine[warmup=5,floor=0.1]",
    )  # fmt: skip
    records = trained(trials, material)
    x, y = material.train.x.double(), material.train.y
    for trial, curve in zip(trials, curves_of(trials, records), strict=True):
        network = he_network((8, 12, 12, 3), trial.seed)
        optimizer = torch.optim.AdamW(network.parameters(), lr=1.0, weight_decay=0.02)
        rates = [0.02 * (step + 1) / 6 for step in range(5)]
        rates += [0.02 * (0.1 + 0.9 * (1 + math.cos(math.pi * step / 12)) / 2) for step in range(12)]
        losses: list[float] = []
        for rate, index in zip(rates, shuffled(60, 10, 17, trial.data_seed), strict=True):
            optimizer.param_groups[0]["lr"] = rate
            losses += plain_run(network, optimizer, [(x[index], y[index])], clip=0.7)
        np.testing.assert_allclose(curve["train_loss"][1:], losses, rtol=1e-8)
        np.testing.assert_allclose(curve["learning_rate"], [rates[0], *rates], rtol=1e-12)


@pytest.mark.parametrize("optimizer", ["sgd[lr=0.05,momentum=0.9]", "rmsprop", "adagrad", "nadam", "adam"])
def test_weight_decay_reaches_every_parameter_as_torch_does_it(optimizer: str, stacks: list[Stack]) -> None:
    trials, material = prepared(dtype="float64", steps=6, weight_decay=0.1, optimizer=optimizer)
    trained(trials, material)
    name = optimizer.partition("[")[0]
    rule = {"sgd": torch.optim.SGD, "rmsprop": torch.optim.RMSprop, "adagrad": torch.optim.Adagrad,
            "nadam": torch.optim.NAdam, "adam": torch.optim.Adam}[name]  # fmt: skip
    options = {"lr": 0.05, "momentum": 0.9} if name == "sgd" else {"lr": trials[0].recipe.optimizer.lr}
    x, y = material.train.x.double(), material.train.y
    network = he_network((8, 12, 12, 3), 0)
    plain_run(
        network, rule(network.parameters(), weight_decay=0.1, **options),
        ((x[i], y[i]) for i in shuffled(60, 10, 6, 0)),
    )  # fmt: skip
    for ours, theirs in zip(stacks[0].state(0).values(), network.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-7, atol=1e-8)


def test_a_trial_alone_and_in_a_stack_of_thirty_agree_to_rounding() -> None:
    trials, material = prepared(
        init="he,xavier,lecun,orthogonal,normal[std=0.05]", seeds=6, steps=20, log_every=1,
        network__depth=6, network__width=64, optimizer="sgd[lr=0.02,momentum=0.9]",
    )  # fmt: skip
    assert len(trials) == 30
    together = curves_of(trials, trained(trials, material))
    for index in (0, 7, 13, 29):
        alone = curves_of((trials[index],), trained((trials[index],), material))[0]
        # Kernels may add in another order. Each of 20 steps adds a few units in the last place (6e-8).
        np.testing.assert_allclose(together[index]["train_loss"], alone["train_loss"], rtol=1e-5)
        np.testing.assert_allclose(together[index]["test_loss"], alone["test_loss"], rtol=1e-5)


@pytest.mark.parametrize("extra", ["batch", "layer"])
def test_looking_never_changes_what_is_trained(extra: str) -> None:
    settings: dict[str, Any] = {
        "steps": 20,
        "log_every": 4,
        "seeds": 2,
        "network__norm": extra,
        "network__dropout": 0.2,
    }
    blind, material = prepared(**settings, eval_every=1000, probe="none")
    watched, _ = prepared(**settings, eval_every=1, probe="[0,1,2,3,5,8,13,last]")
    without, along = trained(blind, material), trained(watched, material)
    for one, other in zip(curves_of(blind, without), curves_of(watched, along), strict=True):
        rows = other[other["train_loss"].notna()]
        pd.testing.assert_series_equal(one["train_loss"].dropna(), rows["train_loss"], check_index=False)
        assert one["test_loss"].iloc[-1] == other["test_loss"].iloc[-1]
    assert len(without.layers) == 0
    assert sorted(set(along.layers["step"])) == [0, 1, 2, 3, 5, 8, 13, 20]


@pytest.mark.parametrize("classes", [2, 3, 11])
def test_a_network_that_ignores_its_input_starts_at_the_logarithm_of_the_number_of_classes(classes: int) -> None:
    trials, material = prepared(dataset__classes=classes, init="zeros", steps=1, log_every=1)
    curve = curves_of(trials, trained(trials, material))[0]
    assert curve["test_loss"][0] == pytest.approx(math.log(classes), rel=1e-6)
    assert curve["train_loss"][1] == pytest.approx(math.log(classes), rel=1e-6)


def test_rows_come_at_the_steps_that_were_asked_for() -> None:
    trials, material = prepared(steps=25, log_every=10, eval_every=8, probe="powers")
    records = trained(trials, material)
    curve = curves_of(trials, records)[0]
    assert curve.loc[curve["train_loss"].notna(), "step"].tolist() == [10, 20, 25]
    assert curve.loc[curve["test_loss"].notna(), "step"].tolist() == [0, 8, 16, 24, 25]
    assert sorted(set(records.layers["step"])) == [0, 1, 2, 4, 8, 16, 25]
    assert curve["step"].is_unique
    assert curve["step"].is_monotonic_increasing


def test_evaluation_comes_once_an_epoch_unless_the_config_says_otherwise() -> None:
    trials, material = prepared(epochs=3)  # of six batches each
    curve = curves_of(trials, trained(trials, material))[0]
    assert curve.loc[curve["test_loss"].notna(), "step"].tolist() == [0, 6, 12, 18]


def test_the_training_loss_of_a_row_is_the_mean_over_the_batches_since_the_last_row() -> None:
    every, material = prepared(steps=25, log_every=1)
    tenth, _ = prepared(steps=25, log_every=10)
    each = curves_of(every, trained(every, material))[0]["train_loss"].dropna().to_numpy()
    curve = curves_of(tenth, trained(tenth, material))[0]
    expected = [each[:10].mean(), each[10:20].mean(), each[20:].mean()]
    np.testing.assert_allclose(curve["train_loss"].dropna(), expected, rtol=1e-12)


def test_outcomes_hold_the_last_and_the_best_of_each_metric() -> None:
    trials, material = prepared(seeds=3, steps=30, optimizer="sgd[lr=0.3]")
    records = trained(trials, material)
    for trial, curve in zip(trials, curves_of(trials, records), strict=True):
        row = records.outcomes.set_index("id").loc[trial.id]
        for metric, best in (("train_loss", "min"), ("test_loss", "min"), ("test_accuracy", "max")):
            assert row[f"final_{metric}"] == curve[metric].iloc[-1]
            assert row[f"best_{metric}"] == getattr(curve[metric], best)()
        assert row["status"] == "finished"
        assert row["steps"] == 30
        assert row["parameters"] == 8 * 12 + 12 + 12 * 12 + 12 + 12 * 3 + 3
    assert set(records.outcomes["task"]) == {"classification"}


def test_training_twice_gives_the_same_records_bit_for_bit() -> None:
    trials, material = prepared(seeds=3, init="he,lsuv", steps=15, network__dropout=0.3)
    first, second = trained(trials, material), trained(trials, material)
    pd.testing.assert_frame_equal(first.curves, second.curves, check_exact=True)
    pd.testing.assert_frame_equal(first.layers, second.layers, check_exact=True)
    timings = ["seconds", "init_seconds"]
    pd.testing.assert_frame_equal(
        first.outcomes.drop(columns=timings), second.outcomes.drop(columns=timings), check_exact=True
    )


def test_the_global_generator_is_neither_read_nor_set() -> None:
    trials, material = prepared(steps=5, network__dropout=0.3)
    torch.manual_seed(0)
    first = trained(trials, material)
    state = torch.get_rng_state()
    torch.manual_seed(1)
    pd.testing.assert_frame_equal(first.curves, trained(trials, material).curves, check_exact=True)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_listener_hears_the_mean_loss_of_each_scheme() -> None:
    trials, material = prepared(init="he,zeros", seeds=2, steps=20, log_every=10)
    heard: list[tuple[int, int, dict[str, float]]] = []
    records = loop.train(trials, material, torch.device("cpu"), lambda *said: heard.append(said))
    assert [(step, steps) for step, steps, _ in heard] == [(10, 20), (20, 20)]
    labels = records.outcomes.set_index("id")["init"]
    for step, _, losses in heard:
        rows = records.curves[records.curves["step"] == step]
        means = rows.groupby(rows["id"].map(labels))["train_loss"].mean()
        assert losses == pytest.approx(means.to_dict())


@pytest.mark.parametrize("network", ["mlp[depth=3,width=12,norm=batch]", "cnn[depth=3,channels=4,norm=batch]"])
@pytest.mark.parametrize("rates", ["1e12"])
def test_networks_with_running_statistics_survive_the_probe_of_a_divergence(network: str, rates: str) -> None:
    shape = "[1,6,6]" if network.startswith("cnn") else "null"
    features = "null" if network.startswith("cnn") else 8
    trials, material = prepared(
        SMALL.replace("features: 8", f"features: {features}, shape: {shape}"), network=network, steps=9,
        optimizer=f"sgd[lr={rates}]",
    )  # fmt: skip
    outcome = trained(trials, material).outcomes.iloc[0]
    assert outcome["status"] == "diverged"
    assert outcome["diverged_step"] > 0
