"""What a forward pass tells of itself: the signals of each layer, in execution order."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor


@dataclass
class Signal:
    """The pre-activation z of one weight layer, and the activation φ(z) that follows it.

    Each list holds pieces [r, N, …] whose replicas add up to R: one piece from batched kernels, R pieces from a loop.
    A layer that no activation follows, such as the output, has an empty list there. ``entering`` is what the activation
    reads: z itself in a plain chain, and what a normalization or a residual sum made of it elsewhere.
    """

    preactivations: list[Tensor] = field(default_factory=list)
    activations: list[Tensor] = field(default_factory=list)
    entering: list[Tensor] = field(default_factory=list)


class Trace:
    """Collects the signals of one forward pass; a weight layer that is called again counts at its first call."""

    def __init__(self) -> None:
        self.signals: dict[str, Signal] = {}
        self._called: set[str] = set()
        self._awaiting: Signal | None = None

    def begin(self) -> None:
        """A pass through the layers begins (a loop makes one for each replica)."""
        self._called.clear()
        self._awaiting = None

    @property
    def awaits_activation(self) -> bool:
        """Whether an activation that comes now belongs to a weight layer."""
        return self._awaiting is not None

    def preactivation(self, layer: str, z: Tensor) -> None:
        """Note what a weight layer gives, [r, N, …]."""
        if layer in self._called:
            self._awaiting = None
            return
        self._called.add(layer)
        self._awaiting = self.signals.setdefault(layer, Signal())
        self._awaiting.preactivations.append(z)

    def activation(self, entering: Tensor, a: Tensor) -> None:
        """Note what an activation reads and gives, [r, N, …] each; it belongs to the last weight layer before it."""
        if self._awaiting is not None:
            self._awaiting.entering.append(entering.detach())
            self._awaiting.activations.append(a)
            self._awaiting = None
