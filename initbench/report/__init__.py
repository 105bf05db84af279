"""What people see of an experiment: terminal, tables, figures, Markdown, JSON. Pure functions of tables, without torch.

``write`` puts every file into the results folder and returns the comparison; ``terminal.render`` and
``machine.as_json`` show that on the terminal and to programs; ``progress`` shows a run while it goes on.
"""

from initbench.report.beside import beside
from initbench.report.folder import PAGE, write

__all__ = ["PAGE", "beside", "write"]
