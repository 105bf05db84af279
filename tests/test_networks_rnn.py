"""Recurrent networks against PyTorch's own cells, and their time steps against a loop written by hand."""

from pathlib import Path

import pytest
import torch
from stack_agreement import batch, largest_difference, networks
from torch import Tensor, nn
from trained import trained, trials

from initbench.activations import ACTIVATIONS
from initbench.datasets import Split
from initbench.inits import INITS, FillContext
from initbench.networks import NETWORKS
from initbench.sites import survey, with_time_steps
from initbench.train.objective import sample_losses
from initbench.train.probe import Probe
from initbench.train.stack import BatchedStack, LoopedStack, stack

RNN = NETWORKS["rnn"]
SHAPE = (1, 5, 4)
WIDTH = 6
CELLS = ("elman", "lstm", "gru")
every_cell = pytest.mark.parametrize("cell", CELLS)


def build(cell: str, activation: str = "tanh", shape: tuple[int, ...] = SHAPE, **options: object) -> nn.Module:
    return RNN(cell=cell, width=WIDTH, **options).build(shape, 3, ACTIVATIONS[activation]())


def library(cell: str, network: nn.Module) -> nn.Module:
    """PyTorch's layer with the same weights."""
    kinds = {"elman": (nn.RNN, ("",)), "lstm": (nn.LSTM, ("_i", "_f", "_g", "_o")), "gru": (nn.GRU, ("_r", "_z", "_n"))}
    kind, gates = kinds[cell]
    layer = kind(4, WIDTH, batch_first=True).double()
    own = dict(network.cell.named_parameters())
    with torch.no_grad():
        layer.weight_ih_l0.copy_(torch.cat([own[f"input{gate}.weight"] for gate in gates]))
        layer.weight_hh_l0.copy_(torch.cat([own[f"recurrent{gate}.weight"] for gate in gates]))
        layer.bias_ih_l0.copy_(torch.cat([own[f"input{gate}.bias"] for gate in gates]))
        layer.bias_hh_l0.zero_()
    return layer


@every_cell
def test_the_cells_are_those_of_the_literature(cell: str) -> None:
    (network,) = networks(lambda: build(cell, forget_bias=0.0), replicas=1)
    x = batch(*SHAPE).x[0]
    states, _ = library(cell, network)(x[:, 0])
    torch.testing.assert_close(network(x), network.output(states[:, -1]), rtol=1e-12, atol=1e-12)


def test_the_forget_bias_is_a_bias_of_the_forget_gate() -> None:
    (network,) = networks(lambda: build("lstm", forget_bias=1.5), replicas=1)
    (without,) = networks(lambda: build("lstm", forget_bias=0.0), replicas=1)
    with torch.no_grad():
        without.cell.input_f.bias += 1.5
    x = batch(*SHAPE).x[0]
    torch.testing.assert_close(network(x), without(x), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(5,), (3, 5, 4), (1, 1, 4), (5, 4)])
def test_inputs_that_are_no_rows_of_one_channel_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rnn reads images of one channel row by row"):
        build("elman", shape=shape)


@every_cell
def test_input_and_recurrent_weights_of_each_gate_are_sites_of_their_own(cell: str) -> None:
    network = build(cell)
    *hidden, output = survey(network, torch.zeros(2, *SHAPE))
    gates = {"elman": 1, "lstm": 4, "gru": 3}[cell]
    recurrent = [site for site in hidden if site.recurrent]
    inputs = [site for site in hidden if not site.recurrent]
    assert (len(inputs), len(recurrent)) == (gates, gates)
    assert all(site.shape == (WIDTH, WIDTH) and not site.has_bias for site in recurrent)
    assert all(site.shape == (WIDTH, 4) and site.has_bias for site in inputs)
    # Every gate's recurrent weights read the same state, which φ made.
    assert all(site.before == ACTIVATIONS["tanh"]() for site in (*recurrent, output))
    assert not output.recurrent


@pytest.mark.parametrize("name", ["orthogonal", "identity"])
@every_cell
def test_square_schemes_see_the_square_weights_of_each_gate(cell: str, name: str) -> None:
    network = build(cell)
    x = batch(*SHAPE).x[0].float()
    sites = survey(network, x)
    INITS[name]().fill(network, FillContext(0, sites, x))
    for site in sites:
        if site.recurrent:
            weight = network.get_parameter(site.weight)
            torch.testing.assert_close(weight @ weight.T, torch.eye(WIDTH), rtol=0, atol=1e-6)


def test_marked_steps_are_all_of_thirty_two_or_evenly_spaced_ones_and_the_last() -> None:
    def marked(steps: int) -> list[int]:
        children = (name for name, _ in build("elman", shape=(1, steps, 2)).named_children())
        return [int(name.removeprefix("step")) for name in children if name.startswith("step")]

    assert marked(28) == list(range(1, 29))
    assert marked(32) == list(range(1, 33))
    assert marked(100) == [*range(1, 100, 4), 100]
    assert all(len(marked(steps)) <= 33 for steps in (33, 63, 64, 65, 200))


@pytest.mark.parametrize("activation", ["tanh", "relu", "prelu"])
@every_cell
def test_the_batched_form_trains_and_measures_as_the_loop_does(cell: str, activation: str) -> None:
    assert largest_difference(lambda: networks(lambda: build(cell, activation)), *SHAPE) < 1e-10


@every_cell
def test_a_recurrent_network_takes_the_batched_form_marked_or_not(cell: str) -> None:
    for steps in (5, 40):
        made = [network.float() for network in networks(lambda steps=steps: build(cell, shape=(1, steps, 4)))]
        assert isinstance(stack(made, batch(1, steps, 4).x[0].float()), BatchedStack)


def by_hand(network: nn.Module, data: Split) -> tuple[list[Tensor], list[Tensor]]:
    """Pre-activations of an Elman network at each step, and the gradient of the summed loss there."""
    cell, x = network.cell, data.x[0, :, 0]
    z, h = [], None
    for step in range(x.shape[1]):
        drive = x[:, step] @ cell.input.weight.T + cell.input.bias
        z.append(drive if h is None else drive + h @ cell.recurrent.weight.T)
        z[-1].retain_grad()
        h = z[-1].tanh()
    losses = sample_losses(network.output(h).unsqueeze(0), data.y, "classification")
    losses.sum().backward()
    return [value.detach() for value in z], [value.grad for value in z]


@pytest.mark.parametrize("form", ["batched", "looped"])
def test_each_time_step_has_its_own_statistics(form: str) -> None:
    data = batch(*SHAPE)
    made = networks(lambda: build("elman"), replicas=1)
    sites = with_time_steps(made[0], survey(made[0], data.x[0]))
    assert [site.layer for site in sites] == [
        "cell.input", "cell.recurrent", "step1", "step2", "step3", "step4", "step5", "output"
    ]  # fmt: skip
    one = BatchedStack(made, data.x[0]) if form == "batched" else LoopedStack(made)
    measured = Probe(sites, data, "classification").measure(one)
    z, gradients = by_hand(made[0], data)
    for row, (value, gradient) in enumerate(zip(z, gradients, strict=True), start=2):
        assert measured["preact_variance"][row, 0] == pytest.approx(value.var(correction=0).item(), rel=1e-10)
        a = value.tanh()
        assert measured["activation_variance"][row, 0] == pytest.approx(a.var(correction=0).item(), rel=1e-10)
        assert measured["grad_variance"][row, 0] == pytest.approx(gradient.var(correction=0).item(), rel=1e-10)
        assert measured["weight_std"][row, 0] == measured["weight_std"][1, 0]


def test_small_recurrent_weights_make_gradients_vanish_step_by_step() -> None:
    """In a linear cell h = W x + g h the gradient at step t is that at the last step times g^(T - t), exactly."""
    data = batch(*SHAPE)
    made = networks(lambda: build("elman", "linear"), replicas=1)
    with torch.no_grad():
        made[0].cell.recurrent.weight.copy_(0.5 * torch.eye(WIDTH))
    sites = with_time_steps(made[0], survey(made[0], data.x[0]))
    variance = Probe(sites, data, "classification").measure(LoopedStack(made))["grad_variance"][2:-1, 0]
    assert variance[:-1] / variance[1:] == pytest.approx(0.25, rel=1e-10)


@pytest.mark.parametrize("name", [name for name, cls in INITS.items() if not cls.requires])
@every_cell
def test_every_plain_scheme_fills_a_recurrent_network(name: str, cell: str) -> None:
    cls = INITS[name]
    required = {key: field.examples[0] for key, field in cls.model_fields.items() if field.is_required()}
    network = build(cell)
    x = batch(*SHAPE).x[0].float()
    cls(**required).fill(network, FillContext(0, survey(network, x), x))
    assert all(value.isfinite().all() for value in network.parameters())


@pytest.mark.parametrize("kind", ["adding", "recall"])
@every_cell
def test_recurrent_networks_train_on_sequences(cell: str, kind: str, tmp_path: Path) -> None:
    text = (
        f"dataset: 'sequences[kind={kind},steps=6,samples=128,test_samples=16]'\n"
        f"network: 'rnn[cell={cell},width=8]'\nactivation: tanh\ninit: [orthogonal, xavier]\nseeds: 2\n"
    )
    records = trained(trials(tmp_path, text), tmp_path)
    assert set(records.outcomes["status"]) == {"finished"}
    assert [f"step{step}" for step in range(1, 7)] == [
        name for name in records.layers["name"].unique() if name.startswith("step")
    ]
    assert records.layers["preact_variance"].notna().all()
