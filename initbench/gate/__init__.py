"""The gate: a run against a baseline and against what its config expects, down to an exit code.

``baseline`` knows the file, ``measured`` what of a run is compared; ``statistical`` (with ``counts``), ``signal``,
``exact`` and ``expected`` each give findings, which ``judge`` puts together as a ``Report``; ``terminal``, ``junit``,
``markdown``, ``machine`` and ``github`` show it. Tables and files only, without torch.
"""

from initbench.gate.baseline import Baseline, BaselineError, baseline_of, read_baseline
from initbench.gate.findings import Finding, Kind, Mark, Report, Tolerance
from initbench.gate.judge import judge

__all__ = [
    "Baseline",
    "BaselineError",
    "Finding",
    "Kind",
    "Mark",
    "Report",
    "Tolerance",
    "baseline_of",
    "judge",
    "read_baseline",
]
