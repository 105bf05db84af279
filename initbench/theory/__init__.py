"""Mean-field theory of signal propagation: what wide networks at initialization do, before any is trained.

Functions of plain numbers and of activations given as callables on float64 arrays; nothing here knows PyTorch.
"""

from initbench.theory.critical import CriticalPoint, critical_bias_variance, critical_point, critical_weight_variance
from initbench.theory.diagram import PhaseDiagram, phase_diagram
from initbench.theory.gaussian import expectation, gain, mean_square_difference, pair_expectation, std_gain
from initbench.theory.meanfield import (
    MeanField,
    Phase,
    depth_scale,
    gradient_factor,
    mean_field,
    variance_fixed_point,
    variance_map,
)
from initbench.theory.moments import Moments, MomentTable, moments
from initbench.theory.normalization import (
    Averaging,
    BatchNormalization,
    LayerNormalization,
    Scaling,
    add_gradients,
    add_signals,
)
from initbench.theory.quadrature import QuadratureError
from initbench.theory.signal import Band, Gradient, Signal
from initbench.theory.standing import Standing, standing
from initbench.theory.steps import Nonlinearity, Opaque, Step, Weights

__all__ = [
    "Averaging",
    "Band",
    "BatchNormalization",
    "CriticalPoint",
    "Gradient",
    "LayerNormalization",
    "MeanField",
    "MomentTable",
    "Moments",
    "Nonlinearity",
    "Opaque",
    "Phase",
    "PhaseDiagram",
    "QuadratureError",
    "Scaling",
    "Signal",
    "Standing",
    "Step",
    "Weights",
    "add_gradients",
    "add_signals",
    "critical_bias_variance",
    "critical_point",
    "critical_weight_variance",
    "depth_scale",
    "expectation",
    "gain",
    "gradient_factor",
    "mean_field",
    "mean_square_difference",
    "moments",
    "pair_expectation",
    "phase_diagram",
    "standing",
    "std_gain",
    "variance_fixed_point",
    "variance_map",
]
