"""Mean-field theory of signal propagation."""

from initbench.theory.gaussian import expectation, gain, std_gain

__all__ = ["expectation", "gain", "std_gain"]
