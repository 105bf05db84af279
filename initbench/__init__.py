"""initbench: settle, with evidence, which weight initialization a network should start from.

>>> import initbench
>>> comparison = initbench.run("smoke", out="results/smoke")
>>> comparison.schemes[["init", "reached", "steps_to_target_median", "state"]]
>>> comparison.results.records.layers
>>> initbench.compare("he", "xavier", overrides=["network.depth=30"]).sentence
>>> initbench.probe("he", "xavier", overrides=["network.depth=50"])[1].verdict
'vanishing'
>>> initbench.read("results/smoke").trials

``load`` checks a config and returns it as an ``Experiment``; ``run`` takes that, too. What a user can put right is
raised as ``InitbenchError``. Importing the package is cheap: torch is loaded by the first call that needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from initbench.errors import InitbenchError

if TYPE_CHECKING:
    from initbench.api import (
        Comparison,
        Diagnosis,
        Experiment,
        Report,
        Results,
        Tolerance,
        baseline,
        check,
        compare,
        load,
        probe,
        read,
        run,
    )

__all__ = [
    "Comparison",
    "Diagnosis",
    "Experiment",
    "InitbenchError",
    "Report",
    "Results",
    "Tolerance",
    "baseline",
    "check",
    "compare",
    "load",
    "probe",
    "read",
    "run",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module("initbench.api"), name)
    raise AttributeError(f"module 'initbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
