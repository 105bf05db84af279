"""``initbench run``: a config, from YAML to the verdict."""

from __future__ import annotations

from initbench.cli.collection import undisturbed
from initbench.cli.options import Config, Execution, Overrides, expanded


@expanded
def run(
    config: Config,
    execution: Execution,
    overrides: Overrides = None,
) -> None:
    """Run an experiment and say which initialization won.

    Trials that the results folder already holds are not trained again.

    Example: initbench run deep_relu --set network.depth=10,20 --dry-run
    """
    execution.expect_workers()
    with undisturbed():
        from initbench.cli.stages import carry_out
        from initbench.config import load

    carry_out(load(config, overrides or (), execution.data_dir), execution)
