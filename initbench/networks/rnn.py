"""Recurrent network: an image read row by row, or a sequence step by step, and a linear layer on the last state.

Inputs are images of one channel, [1, steps, inputs]. Every gate has two weights of its own, ``input`` from the row and
``recurrent`` from the state before, so that schemes for square matrices see square matrices. With φ the network's
activation and σ the logistic function, state h (0 at first, so that recurrent weights come in at the second step):

- elman: h = φ(W x + U h)
- lstm: i, f, o = σ(W x + U h) each, f with ``forget_bias`` added; g = φ(W x + U h); c = f c + i g; h = o φ(c)
- gru: r, z = σ(W x + U h) each; n = φ(W x + r (U h)); h = (1 - z) n + z h

Statistics of a step (``step1``, ``step2``, …, every k-th of them and the last where there are more than 32) are of what
the state's φ reads: W x + U h, c, or W x + r (U h).

Elman, "Finding Structure in Time", 1990; Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Cho et al.,
"Learning Phrase Representations using RNN Encoder-Decoder", 2014; Jozefowicz, Zaremba and Sutskever, "An Empirical
Exploration of Recurrent Network Architectures", 2015, for the bias of the forget gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, PositiveInt
from torch import Tensor, nn

from initbench.activations import ACTIVATIONS, Activation
from initbench.layers import Recurrent, Segment, TimeStep
from initbench.networks import _base
from initbench.networks._base import learned
from initbench.networks._size import Part, linear

MARKED_STEPS = 32
GATES = {"elman": ("",), "lstm": ("_i", "_f", "_g", "_o"), "gru": ("_r", "_z", "_n")}
AT_FIRST = {"elman": 1, "lstm": 3, "gru": 2}
"""How many gates take part in the first step, before which there is no state."""
CANDIDATE = {"elman": "recurrent", "lstm": "recurrent_g", "gru": "recurrent_n"}
"""The recurrent weights in what a step's φ reads."""

State = tuple[Tensor, ...]


class RNN(_base.Network):
    """One layer of Elman, LSTM or GRU cells."""

    cell: Literal["elman", "lstm", "gru"] = Field(default="elman", description="kind of recurrent cell")
    width: PositiveInt = Field(default=128, description="units of the state")
    forget_bias: float = Field(default=1.0, description="what is added to the forget gate of an LSTM")

    def build(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> nn.Module:
        """The layers ``cell.input`` and ``cell.recurrent`` (of each gate), the marks ``step1``, …, and ``output``."""
        steps, inputs = _steps_of(input_shape)
        cell = _Cell(self, inputs, activation)
        return _Unrolled(cell, steps, inputs, nn.Linear(self.width, outputs))

    def parts(self, input_shape: tuple[int, ...], outputs: int, activation: Activation) -> Iterator[Part]:
        """The cell at the first step, where not all gates take part, then at each of the others, and the output."""
        steps, inputs = _steps_of(input_shape)
        gates, first = len(GATES[self.cell]), AT_FIRST[self.cell]
        parameters = gates * self.width * (inputs + 1 + self.width) + learned(activation)
        yield Part(1, parameters, first * self.width, first * inputs * self.width)
        yield Part(steps - 1, 0, 2 * gates * self.width, gates * self.width * (inputs + self.width))
        yield linear(self.width, outputs)


def _steps_of(input_shape: tuple[int, ...]) -> tuple[int, int]:
    """The number of steps and the inputs of each. Raises ValueError."""
    if len(input_shape) != 3 or input_shape[0] != 1 or input_shape[1] < 2:
        raise ValueError(
            "rnn reads images of one channel row by row, [1, steps, inputs] with two steps or more, "
            f"not inputs of shape {list(input_shape)}"
        )
    return input_shape[1], input_shape[2]


class _Unrolled(nn.Module):
    """The same cell at every step."""

    def __init__(self, cell: _Cell, steps: int, inputs: int, output: nn.Linear) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.rows = nn.ModuleList(Segment(step * inputs, inputs) for step in range(steps))
        self.cell = cell
        every = -(-steps // MARKED_STEPS)
        marked = {step for step in range(1, steps + 1) if step == steps or step % every == 1 % every}
        for step in sorted(marked):
            self.add_module(f"step{step}", TimeStep(f"cell.{CANDIDATE[cell.kind]}"))
        self.unmarked = nn.Identity()
        self.marks = [f"step{step}" if step in marked else "unmarked" for step in range(1, steps + 1)]
        self.output = output

    def forward(self, images: Tensor) -> Tensor:
        """[N, 1, steps, inputs] to [N, outputs]."""
        x = self.flatten(images)
        state: State | None = None
        for row, mark in zip(self.rows, self.marks, strict=True):
            state = self.cell(row(x), state, self.get_submodule(mark))
        assert state is not None  # noqa: S101 - there is a step
        outputs: Tensor = self.output(state[0])
        return outputs


class _Cell(nn.Module):
    """One step: the weights of each gate, and how the gates make a state."""

    def __init__(self, network: RNN, inputs: int, activation: Activation) -> None:
        super().__init__()
        self.kind, self.forget_bias = network.cell, network.forget_bias
        for gate in GATES[self.kind]:
            self.add_module(f"input{gate}", nn.Linear(inputs, network.width))
            self.add_module(f"recurrent{gate}", Recurrent(network.width))
        self.sigmoid = ACTIVATIONS["sigmoid"]().layer()
        self.activation = activation.layer()

    def forward(self, x: Tensor, state: State | None, mark: nn.Module) -> State:
        """The state after reading x [N, inputs]; ``mark`` is shown what φ reads."""
        step = {"elman": self._elman, "lstm": self._lstm, "gru": self._gru}[self.kind]
        return step(x, state, mark)

    def _elman(self, x: Tensor, state: State | None, mark: nn.Module) -> State:
        return (self.activation(mark(self._sum("", x, state))),)

    def _lstm(self, x: Tensor, state: State | None, mark: nn.Module) -> State:
        admit = self.sigmoid(self._sum("_i", x, state))
        candidate = self.activation(self._sum("_g", x, state))
        content = admit * candidate
        if state is not None:
            content = content + self.sigmoid(self._sum("_f", x, state) + self.forget_bias) * state[1]
        release = self.sigmoid(self._sum("_o", x, state))
        return release * self.activation(mark(content)), content

    def _gru(self, x: Tensor, state: State | None, mark: nn.Module) -> State:
        update = self.sigmoid(self._sum("_z", x, state))
        candidate = self.get_submodule("input_n")(x)
        if state is None:
            return ((1 - update) * self.activation(mark(candidate)),)
        reset = self.sigmoid(self._sum("_r", x, state))
        candidate = self.activation(mark(candidate + reset * self.get_submodule("recurrent_n")(state[0])))
        return ((1 - update) * candidate + update * state[0],)

    def _sum(self, gate: str, x: Tensor, state: State | None) -> Tensor:
        """W x + U h of a gate, the latter from the second step on."""
        own: Tensor = self.get_submodule(f"input{gate}")(x)
        if state is None:
            return own
        recurrent: Tensor = self.get_submodule(f"recurrent{gate}")(state[0])
        return own + recurrent
