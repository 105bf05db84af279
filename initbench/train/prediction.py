"""Predicted variances of a stack at initialization, layer by layer: what mean-field theory says of these very weights.

Each replica's network is walked in execution order, with the second moment of the probe batch at its input and the
means and variances of its weights and biases as they were drawn; a scheme is judged by what it did, not by its formula.
Backward the walk starts from the measured gradient of the loss with respect to the output: theory predicts how the
layers below carry it, not the loss.

What a prediction rests on, and where it stops:

- weights of mean zero, independent of each other, of the biases and of the data. Weights with a mean that chance does
  not explain have no prediction, nor have biases that a scheme computed from data. After the first update nothing is
  independent any more, so predictions are made before training only;
- one second moment for all inputs and units, and Gaussian pre-activations. Inputs of unlike norms cost a few percent in
  the first layers behind an activation that saturates;
- images: the second moment may differ between positions. Its profile is carried along, so that zero padding counts for
  what it does near the border, where outputs sum up fewer taps;
- sums of branches that do not share the weights which they end with (residual networks);
- the forward value of pooling depends on how alike neighboring positions are: no prediction from there on. Backward an
  average hands the same share to every position, which is followed.

Poole et al. 2016, Schoenholz et al. 2017; for convolutions Xiao et al., "Dynamical Isometry and a Mean Field Theory of
CNNs", 2018, section 2; for residual networks Yang and Schoenholz, "Mean Field Residual Networks", 2017.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from initbench.activations import Activation
from initbench.sites import Site
from initbench.theory import (
    Averaging,
    BatchNormalization,
    Gradient,
    LayerNormalization,
    MomentTable,
    Nonlinearity,
    Opaque,
    Scaling,
    Step,
    Weights,
)
from initbench.theory.signal import UNKNOWN_GRADIENT, UNKNOWN_SIGNAL
from initbench.theory.steps import MEAN_WITHIN
from initbench.train.blueprint import Blueprint, Node, kernel_area, tap_counts
from initbench.train.flow import Returning, Value, added, collected, input_value, normalized, passed
from initbench.train.stack import Stack

Columns = dict[str, NDArray[np.float64]]


COLUMNS = tuple(
    f"predicted_{name}{end}"
    for name in ("preact_variance", "activation_variance", "grad_variance")
    for end in ("", "_low", "_high")
)
"""A variance at infinite width, and the range of ±2 standard deviations in which one network of this width lies."""


@dataclass(frozen=True)
class _Numbers:
    """What a replica's parameters amount to: number of entries, mean and variance of each tensor, by name."""

    moments: dict[str, tuple[int, float, float]]
    independent: bool

    def second_moment(self, name: str) -> float:
        """E[p²], 0 where there is no such parameter."""
        _, mean, variance = self.moments.get(name, (1, 0.0, 0.0))
        return mean**2 + variance

    def is_zero(self, name: str) -> bool:
        """Whether the parameter does nothing when added."""
        return self.second_moment(name) == 0

    def is_centered(self, name: str) -> bool:
        """Whether the mean is zero up to chance."""
        count, mean, variance = self.moments.get(name, (1, 0.0, 0.0))
        return abs(mean) <= MEAN_WITHIN * math.sqrt(variance / count)

    def factor(self, name: str) -> float | None:
        """The one value of a parameter (1 where there is none), or None if its entries differ."""
        _, mean, variance = self.moments.get(name, (1, 1.0, 0.0))
        return mean if variance <= 1e-12 * mean**2 else None


class Predictor:
    """Predictions for the replicas of one stack, whose network is ``blueprint`` and whose inputs are ``inputs``.

    ``inputs`` is the probe batch [N, *input shape]. ``independent`` says of each replica whether its scheme drew
    biases without looking at data.
    """

    def __init__(
        self, blueprint: Blueprint, sites: Sequence[Site], inputs: Tensor, independent: Sequence[bool]
    ) -> None:
        self._blueprint, self._nodes = blueprint, blueprint.nodes
        self._sites = {site.layer: site for site in sites}
        self._input, self._flat_input = input_value(inputs), input_value(inputs.flatten(1))
        self._independent = tuple(independent)
        self._tables: dict[Activation, MomentTable] = {}

    def columns(self, stack: Stack, measured: Columns) -> Columns:
        """The columns of the ``layers`` table as arrays [layers, R]; NaN where there is no prediction.

        ``measured`` are the statistics of the probe, of which the gradient at the last layer is read.
        """
        output_gradient = measured["grad_variance"][-1] + measured["grad_mean"][-1] ** 2
        found = {name: np.full((len(self._sites), stack.replicas), math.nan) for name in COLUMNS}
        rows = {layer: row for row, layer in enumerate(self._sites)}
        known = {site.weight: row for row, site in enumerate(self._sites.values())}
        for replica, numbers in enumerate(_numbers(stack, self._independent, measured, known)):
            for layer, values in self._layers(numbers, float(output_gradient[replica])).items():
                for name, value in zip(COLUMNS, values, strict=True):
                    found[name][rows[layer], replica] = value
        return found

    def _layers(self, numbers: _Numbers, output_gradient: float) -> dict[str, tuple[float, ...]]:
        """The numbers of ``COLUMNS`` for every weight layer of one replica."""
        steps = [self._step(node, numbers) for node in self._nodes]
        values = self._forward(steps)
        gradients = self._backward(steps, values, Gradient(output_gradient))
        found: dict[str, tuple[float, ...]] = {}
        for position, node in self._blueprint.weights():
            signal, gradient = values[position].signal, gradients.get(position, UNKNOWN_GRADIENT)
            own = after = (signal.variance, *signal.band)
            follower = self._blueprint.activation_after(position)
            if follower is not None:
                step, entering = steps[follower], values[self._nodes[follower].inputs[0]].signal
                assert isinstance(step, Nonlinearity)  # noqa: S101 - what an activation's step is
                after = (values[follower].signal.variance, *step.variance_band(entering))
            found[node.layer] = (*own, *after, gradient.variance, *gradient.band(signal))
        return found

    def _step(self, node: Node, numbers: _Numbers) -> Step:
        if node.kind == "weights":
            return self._weights(node, numbers)
        if node.kind == "activation" and node.activation is not None:
            phi, dphi = node.activation.values, node.activation.slopes
            if node.activation not in self._tables:
                self._tables[node.activation] = MomentTable(phi, dphi)
            return Nonlinearity(phi, dphi, self._tables[node.activation])
        if node.kind in ("batch_norm", "layer_norm"):
            kind = BatchNormalization if node.kind == "batch_norm" else LayerNormalization
            factor, is_plain = numbers.factor(f"{node.layer}.weight"), numbers.is_zero(f"{node.layer}.bias")
            return Opaque() if factor is None or not is_plain else kind(factor, float(node.module.eps))  # type: ignore[union-attr,arg-type]
        if node.kind == "average":
            return Averaging(round(node.number))
        if node.kind == "scale":
            factor = numbers.factor(node.layer) if node.layer else node.number
            return Opaque() if factor is None else Scaling(factor)
        if node.kind == "shift":
            return Scaling(1.0) if (numbers.is_zero(node.layer) if node.layer else node.number == 0) else Opaque()
        return Scaling(1.0) if node.kind in ("input", "flatten", "sum") else Opaque()

    def _weights(self, node: Node, numbers: _Numbers) -> Step:
        site, bias = self._sites[node.layer], f"{node.layer}.bias"
        if not (numbers.independent or numbers.is_zero(bias)) or not numbers.is_centered(bias):
            return Opaque()
        count, mean, variance = numbers.moments[site.weight]
        units = count // site.fan_in
        return Weights(site.fan_in, site.fan_out, units, variance, numbers.second_moment(bias), mean)

    def _forward(self, steps: list[Step]) -> list[Value]:
        """The signal that leaves each node. Convolutions get the fan_in that their outputs have on average."""
        values: list[Value] = []
        for position, node in enumerate(self._nodes):
            entering = [values[i] for i in node.inputs]
            step = steps[position]
            if node.kind == "input":
                values.append(self._input)
            elif node.kind == "sum":
                values.append(added(*entering))
            elif len(entering) != 1:
                values.append(Value(UNKNOWN_SIGNAL))
            elif node.kind == "flatten" and entering[0] is self._input:
                values.append(self._flat_input)
            else:
                profile = entering[0].profile
                if isinstance(step, Weights):
                    profile, taps = self._spread(node, profile)
                    step = steps[position] = replace(step, fan_in=step.fan_in * taps)
                values.append(passed(node, step, entering[0], profile))
        return values

    def _spread(self, node: Node, profile: Tensor | None) -> tuple[Tensor | None, float]:
        """The profile behind a weight layer, and the share of its taps that lie inside the image, on average."""
        if not node.space:
            return None, 1.0
        if profile is None:
            profile = torch.ones(1, 1, *self._nodes[node.inputs[0]].space, dtype=torch.float64)
        counted = tap_counts(node)(profile)
        return normalized(counted), float(counted.mean()) / kernel_area(node)

    def _backward(self, steps: list[Step], values: list[Value], output: Gradient) -> dict[int, Gradient]:
        """The gradient with respect to what leaves each node up to the last weight layer, where it is ``output``."""
        last = max((position for position, _ in self._blueprint.weights()), default=0)
        chained = all(node.inputs == (last + offset,) for offset, node in enumerate(self._nodes[last + 1 :]))
        returning: dict[int, list[Returning]] = {last: [Returning(output if chained else UNKNOWN_GRADIENT)]}
        found = {}
        for position in range(last, -1, -1):
            node, step = self._nodes[position], steps[position]
            here = collected(returning.get(position, []))
            found[position] = here.gradient
            for source in node.inputs:
                gradient, profile, latest = here.gradient, here.profile, here.latest
                if isinstance(step, Weights):
                    latest = node.layer
                    profile, readers = self._gather(node, profile)
                    step = replace(step, fan_out=step.fan_out * readers)
                elif node.kind in ("flatten", "average"):
                    profile = None
                sent = Returning(step.backward(gradient, values[source].signal), latest, profile)
                returning.setdefault(source, []).append(sent)
        return found

    def _gather(self, node: Node, profile: Tensor | None) -> tuple[Tensor | None, float]:
        """The gradient's profile below a weight layer, and the mean number of readers over the kernel's area."""
        if not node.space:
            return None, 1.0
        if profile is None:
            profile = torch.ones(1, 1, *node.space, dtype=torch.float64)
        below = torch.zeros(1, 1, *self._nodes[node.inputs[0]].space, dtype=torch.float64, requires_grad=True)
        with torch.enable_grad():
            (spread,) = torch.autograd.grad(tap_counts(node)(below), below, profile)  # the transpose of a linear map
        return normalized(spread), float(spread.mean()) / kernel_area(node)


def _numbers(stack: Stack, independent: Sequence[bool], measured: Columns, known: Mapping[str, int]) -> list[_Numbers]:
    """The numbers of each replica; ``known`` are the weights that were measured already, with their rows."""
    moments: list[dict[str, tuple[int, float, float]]] = [{} for _ in independent]
    with torch.no_grad():
        for name, values in stack.parameters.items():
            if name in known:
                means = measured["weight_mean"][known[name]]
                variances = measured["weight_std"][known[name]] ** 2
            else:
                pair = torch.var_mean(values.flatten(1), dim=1, correction=0)
                variances, means = (one.cpu().numpy().astype(np.float64) for one in pair)
            count = values[0].numel()
            for own, variance, mean in zip(moments, variances.tolist(), means.tolist(), strict=True):
                own[name] = (count, mean, variance)
    return [_Numbers(own, is_independent) for own, is_independent in zip(moments, independent, strict=True)]
