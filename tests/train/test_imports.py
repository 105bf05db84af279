import subprocess
import sys
from pathlib import Path

TRAINED = """
import sys
from example_trials import prepared, trained
trained(*prepared(steps=2))
print(*(name for name in ("torch._dynamo", "sympy", "scipy.optimize", "matplotlib") if name in sys.modules))
"""


def test_training_imports_neither_the_compiler_nor_solvers_nor_figures() -> None:
    """Each costs a worker between 0.3 and 1.3 seconds of processor time, and tens of megabytes."""
    done = subprocess.run(
        [sys.executable, "-c", TRAINED], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
