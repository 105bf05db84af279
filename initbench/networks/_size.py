"""How large a network is, by arithmetic: before anything is built, and whatever its depth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from initbench.networks._norm import Norm


@dataclass(frozen=True)
class Part:
    """``count`` layers alike, or one layer that is called so often: what each of them has.

    ``parameters`` are learned (those of the norm and the activation behind a layer among them); for one sample each
    computes ``signals`` pre-activations by ``products`` multiplications. What computes none counts as no layer.
    """

    count: int
    parameters: int
    signals: int
    products: int


@dataclass(frozen=True)
class Size:
    """A whole network: the number of its layers (calls of them, for a shared one) and the sums over them."""

    layers: int
    parameters: int
    signals: int
    products: int

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Size:
        """The sums."""
        known = list(parts)
        return cls(
            layers=sum(part.count for part in known if part.signals),
            parameters=sum(part.count * part.parameters for part in known),
            signals=sum(part.count * part.signals for part in known),
            products=sum(part.count * part.products for part in known),
        )


def linear(inputs: int, outputs: int, *, bias: bool = True, more: int = 0, count: int = 1) -> Part:
    """Linear layers, with ``more`` parameters behind each."""
    return Part(count, inputs * outputs + bias * outputs + more, outputs, inputs * outputs)


def convolution(taps: int, channels: int, positions: int, *, bias: bool, more: int = 0, count: int = 1) -> Part:
    """Convolutions that read ``taps`` values for each of ``channels`` at so many positions."""
    weights = taps * channels
    return Part(count, weights + bias * channels + more, channels * positions, weights * positions)


def norm_parameters(norm: Norm, features: int) -> int:
    """A factor and a shift for each feature."""
    return 0 if norm == "none" else 2 * features
