"""Dropout: the share that is dropped, and streams that neither the stack nor a probe can move."""

import math
from pathlib import Path

import pytest
import torch
from stack_agreement import batch, networks, probed, steps
from torch import nn
from trained import trained, trials

from initbench.activations import ACTIVATIONS
from initbench.layers import Dropout, seed_dropout
from initbench.networks import NETWORKS
from initbench.sites import survey
from initbench.train.stack import BatchedStack, LoopedStack, Stack, stack

OPTIONS = {"mlp": ({"depth": 3, "width": 8}, (5,)), "cnn": ({"depth": 3, "channels": 4}, (2, 6, 6))}
every_plain = pytest.mark.parametrize("name", list(OPTIONS))
FORMS = {"batched": BatchedStack, "looped": lambda made, _x: LoopedStack(made)}
every_form = pytest.mark.parametrize("form", list(FORMS))


def build(name: str, rate: float = 0.4) -> nn.Module:
    options, shape = OPTIONS[name]
    return NETWORKS[name](**options, dropout=rate).build(shape, 3, ACTIVATIONS["tanh"]())


def seeded(name: str, replicas: int = 3) -> list[nn.Module]:
    made = networks(lambda: build(name), replicas)
    for seed, network in enumerate(made):
        seed_dropout(network, seed)
    return made


def stacked(form: str, name: str, replicas: int = 3) -> Stack:
    return FORMS[form](seeded(name, replicas), batch(*OPTIONS[name][1]).x[0])


def test_the_share_of_the_rate_is_dropped_and_the_mean_is_kept() -> None:
    layer = Dropout(0.3)
    layer.generator = torch.Generator().manual_seed(0)
    count = 40_000
    dropped = layer(torch.ones(count))
    share = (dropped == 0).double().mean().item()
    assert share == pytest.approx(0.3, abs=5 * math.sqrt(0.3 * 0.7 / count))  # five sigma of a binomial share
    assert dropped.unique().tolist() == [0.0, pytest.approx(1 / 0.7)]


def test_every_call_draws_anew_from_the_generator_and_never_from_the_global_one() -> None:
    layer = Dropout(0.5)
    layer.generator = torch.Generator().manual_seed(0)
    state = torch.random.get_rng_state()
    first, second = layer(torch.ones(64)), layer(torch.ones(64))
    assert not torch.equal(first, second)
    assert torch.equal(state, torch.random.get_rng_state())


def test_without_a_generator_training_stops_and_evaluation_goes_on() -> None:
    layer = Dropout(0.5)
    with pytest.raises(RuntimeError, match="needs a generator"):
        layer(torch.ones(4))
    assert torch.equal(layer.eval()(torch.ones(4)), torch.ones(4))


def test_masks_do_not_depend_on_the_dtype() -> None:
    masks = []
    for dtype in (torch.float32, torch.float64):
        layer = Dropout(0.5)
        layer.generator = torch.Generator().manual_seed(0)
        masks.append(layer(torch.ones(64, dtype=dtype)) != 0)
    assert torch.equal(*masks)


@every_plain
def test_a_stream_is_keyed_by_the_layers_name(name: str) -> None:
    network = build(name)
    seed_dropout(network, 7)
    drawn = [module.mask((32,), torch.ones(1)) for module in network.modules() if isinstance(module, Dropout)]
    again = NETWORKS[name](**OPTIONS[name][0] | {"depth": 5}, dropout=0.4).build(
        OPTIONS[name][1], 3, ACTIVATIONS["tanh"]()
    )
    seed_dropout(again, 7)
    deeper = [module.mask((32,), torch.ones(1)) for module in again.modules() if isinstance(module, Dropout)]
    assert len(drawn) == 2
    assert not torch.equal(drawn[0], drawn[1])
    assert torch.equal(torch.stack(drawn), torch.stack(deeper[:2]))


@every_plain
def test_dropout_follows_each_hidden_activation(name: str) -> None:
    children = [child for child, _ in build(name).named_children() if child != "flatten"]
    assert children[:6] == ["layer1", "activation1", "dropout1", "layer2", "activation2", "dropout2"]
    assert not [child for child, _ in build(name, rate=0.0).named_children() if child.startswith("dropout")]


@every_plain
def test_both_forms_drop_the_same_values(name: str) -> None:
    data = [batch(*OPTIONS[name][1], seed=seed) for seed in range(4)]
    ours, theirs = (torch.stack(steps(stacked(form, name), data)) for form in FORMS)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)


@every_form
@every_plain
def test_a_replica_drops_the_same_values_alone_and_in_a_stack(name: str, form: str) -> None:
    data = [batch(*OPTIONS[name][1], seed=seed) for seed in range(4)]
    alone, together = (torch.stack(steps(stacked(form, name, replicas), data))[:, 0] for replicas in (1, 3))
    torch.testing.assert_close(alone, together, rtol=1e-12, atol=1e-13)


@every_form
@every_plain
def test_probing_and_evaluating_drop_nothing_and_do_not_advance_the_streams(name: str, form: str) -> None:
    data = [batch(*OPTIONS[name][1], seed=seed) for seed in range(3)]
    undisturbed, disturbed = stacked(form, name), stacked(form, name)
    expected = torch.stack(steps(undisturbed, data))
    sites = survey(seeded(name)[0], data[0].x[0])
    losses = []
    for one in data:
        assert (probed(disturbed, sites, one) == probed(disturbed, sites, one)).all()
        with disturbed.evaluating():
            assert torch.equal(disturbed.forward(one.x), disturbed.forward(one.x))
        losses += steps(disturbed, [one])
    assert torch.equal(torch.stack(losses), expected)


@every_plain
def test_a_network_with_dropout_takes_the_batched_form(name: str) -> None:
    assert isinstance(stack(seeded(name), batch(*OPTIONS[name][1]).x[0]), BatchedStack)


NETWORK = "network: 'mlp[depth=3,width=8,dropout=0.4]'\n"


def test_a_trial_loses_the_same_alone_and_in_a_stack(tmp_path: Path) -> None:
    together = trials(tmp_path, NETWORK + "init: [he, xavier]\nseeds: 2\ndtype: float64\n")
    curves = trained(together, tmp_path).curves.set_index("id")["train_loss"]
    for trial in together:
        alone = trained((trial,), tmp_path).curves["train_loss"]
        assert alone[1:].tolist() == pytest.approx(curves.loc[trial.id][1:].tolist(), rel=1e-12)


def test_how_often_a_trial_is_probed_changes_none_of_its_losses(tmp_path: Path) -> None:
    often, once = (
        trained(trials(tmp_path, NETWORK + f"init: he\nseeds: 2\nprobe: {probe}\n"), tmp_path).curves["train_loss"]
        for probe in ("[0, 1, 2, 3, 4, 5, 6]", "none")
    )
    assert often[1:].dropna().tolist() == once[1:].dropna().tolist()


def test_another_seed_drops_other_values(tmp_path: Path) -> None:
    both = trials(tmp_path, NETWORK + "init: 'constant[value=0.1]'\nseeds: {init: [0, 1], data: [0]}\n")
    last = trained(both, tmp_path).curves.query("step == 6")["train_loss"]
    assert last.nunique() == 2
