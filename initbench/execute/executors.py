"""Which executor trains: the one place that knows them all."""

from __future__ import annotations

from initbench.errors import InitbenchError
from initbench.execute._base import Executor
from initbench.execute.local import Local
from initbench.execute.resources import Resources


def executor(resources: Resources, device: str, stacks: int) -> Executor:
    """The executor for so many stacks. Where there are none, nothing is connected to.

    Raises
    ------
    InitbenchError
        The cluster cannot be reached, or Ray is not installed.
    """
    if resources.executor == "ray" and stacks:
        return _on_ray(resources, device)
    return Local(device, max(1, min(resources.worker_count(device), stacks)), resources.threads)


def _on_ray(resources: Resources, device: str) -> Executor:
    try:
        from initbench.execute.ray import Cluster
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "ray":
            raise
        raise InitbenchError("--executor ray needs Ray: pip install 'initbench[ray]'") from error
    return Cluster.reached(resources, device)
