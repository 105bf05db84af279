"""What travels between the nodes of a blueprint: the signal that leaves each, and the gradient that comes back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from initbench.theory import Gradient, Nonlinearity, Signal, Step, add_gradients, add_signals
from initbench.theory.signal import UNKNOWN_GRADIENT, UNKNOWN_SIGNAL
from initbench.train.blueprint import Node


@dataclass(frozen=True)
class Value:
    """The signal that leaves a node.

    ``fresh`` are the weights that give it mean zero, whatever everything else is; ``met`` all weights that it went
    through. ``profile`` is the second moment by position, [1, 1, *space], with mean 1 (None for vectors).
    """

    signal: Signal
    fresh: frozenset[str] = frozenset()
    met: frozenset[str] = frozenset()
    profile: Tensor | None = None


@dataclass(frozen=True)
class Returning:
    """The gradient that comes back to a node: ``latest`` is the weight layer that it passed through just before."""

    gradient: Gradient
    latest: str = ""
    profile: Tensor | None = None


def passed(node: Node, step: Step, entering: Value, profile: Tensor | None) -> Value:
    """The value behind a step that reads one other."""
    signal = step.forward(entering.signal)
    if node.kind == "weights":
        return Value(signal, frozenset({node.layer}), entering.met | {node.layer}, profile)
    if isinstance(step, Nonlinearity):
        if profile is not None and signal.known and step.table is not None:
            profile = normalized(profile ** step.table(math.sqrt(entering.signal.second_moment)).elasticity)
        return Value(signal, frozenset(), entering.met, profile)
    if node.kind == "flatten":
        of_units = entering.profile is None or entering.profile.numel() == 1
        signal = signal if of_units else replace(signal, batch_variance=math.nan)
    if node.kind in ("flatten", "average"):
        profile = None
    return Value(signal, entering.fresh, entering.met, profile)


def added(first: Value, second: Value) -> Value:
    """A sum, which theory follows where one summand has weights in front that the other has not met."""
    one, other = bool(first.fresh - second.met), bool(second.fresh - first.met)
    is_fresh = (one and first.fresh.isdisjoint(second.met)) or (other and second.fresh.isdisjoint(first.met))
    if not (is_fresh and first.signal.known and second.signal.known):
        return Value(UNKNOWN_SIGNAL)
    signal = add_signals(first.signal, second.signal)
    profile = first.profile
    if first.profile is not None and second.profile is not None:
        profile = first.profile * first.signal.second_moment + second.profile * second.signal.second_moment
        profile = normalized(profile)
    fresh = first.fresh | second.fresh if first.fresh and second.fresh else frozenset[str]()
    return Value(signal, fresh, first.met | second.met, profile)


def collected(returning: Sequence[Returning]) -> Returning:
    """The gradient of a value that several nodes read; each must come through weights that no other came through."""
    if not returning or len({one.latest for one in returning}) < len(returning):
        return Returning(UNKNOWN_GRADIENT)
    total = returning[0]
    for one in returning[1:]:
        total = replace(total, gradient=add_gradients(total.gradient, one.gradient))
    return total


def input_value(x: Tensor) -> Value:
    """The inputs: their second moment, what of it varies within each feature or channel, its profile over positions."""
    values = x.cpu().double().transpose(0, 1).flatten(2) if x.dim() > 2 else x.cpu().double().t().unsqueeze(2)
    squares = values.square()
    signal = Signal(float(squares.mean()), batch_variance=float(values.flatten(1).var(dim=1, correction=0).mean()))
    profile = squares.mean(dim=(0, 1)).view(1, 1, *x.shape[2:]) if x.dim() > 2 else None
    return Value(signal, profile=None if profile is None else normalized(profile))


def normalized(profile: Tensor) -> Tensor:
    """A profile over positions, brought to mean 1."""
    mean = profile.mean()
    return profile / mean if mean > 0 else torch.ones_like(profile)
