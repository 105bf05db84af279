"""Where the weights that were drawn stand: their phase, how deep they reach, and how far they are from critical."""

from __future__ import annotations

import math
from dataclasses import dataclass

from initbench.theory.critical import critical_weight_variance
from initbench.theory.meanfield import Phase, mean_field
from initbench.theory.quadrature import Function

TRAINABLE = 6.0  # depth scales to which Schoenholz et al. 2017 saw networks train (section 5)
CHANCE = 4.0  # standard errors of a drawn variance


@dataclass(frozen=True)
class Standing:
    """``depth_scale`` is ξ_c in layers, infinite on the critical line, None where signals are unbounded.

    ``critical_gain`` is the factor on the weights that would make them critical at this bias variance, None if none
    does.
    """

    weight_variance: float
    bias_variance: float
    chi1: float
    depth_scale: float | None
    phase: Phase
    critical_gain: float | None

    @property
    def trainable_depth(self) -> float | None:
        """The depth to which a network trains, about 6 ξ_c."""
        return None if self.depth_scale is None else TRAINABLE * self.depth_scale


def standing(phi: Function, dphi: Function, drawn: float, bias_variance: float, count: int) -> Standing:
    """Where weights of variance ``drawn`` / fan_in stand, which was estimated from ``count`` of them.

    A variance that chance alone sets apart from the critical one counts as critical: on a sharp line every draw would
    otherwise be off it.
    """
    critical = critical_weight_variance(phi, dphi, bias_variance)
    is_critical = critical is not None and abs(drawn / critical - 1) < CHANCE * math.sqrt(2 / count)
    found = mean_field(phi, dphi, critical if is_critical and critical is not None else drawn, bias_variance)
    return Standing(
        weight_variance=drawn,
        bias_variance=bias_variance,
        chi1=found.chi1,
        depth_scale=found.xi_c,
        phase=found.phase,
        critical_gain=math.sqrt(critical / drawn) if critical is not None and drawn > 0 else None,
    )
