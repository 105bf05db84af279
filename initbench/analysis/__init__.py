"""From tables to conclusions: pure functions of ``Results``, without torch."""

from initbench.analysis.comparison import Comparison, analyze

__all__ = ["Comparison", "analyze"]
