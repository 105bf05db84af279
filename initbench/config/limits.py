"""What no machine could run, told at load with what it would take: layers, bytes, seeds.

These limits are the same everywhere. What one machine cannot run and another could is refused where training is about
to happen (``execute.limits``), so that a config can be checked on a smaller machine than it is meant for.
"""

from __future__ import annotations

from initbench import costs
from initbench.config.problems import Key, Problems
from initbench.networks import Size

MOST_LAYERS = 10_000  # of one network, or calls of one: what can be built and traced in seconds
MOST_BYTES = 2**46
NO_MACHINE = f"more than the {costs.amount(MOST_BYTES)} that any machine has"
MOST_SEEDS = 1_000_000


def check_size(where: str, key: Key, size: Size, batch: int, problems: Problems) -> None:
    """A network can be built, and trained at its smallest batch."""
    needed = costs.training_bytes(size, batch) + costs.object_bytes(size)
    update = costs.span(costs.update_seconds(size, batch))
    takes = f"one trial takes {costs.amount(needed)} of memory and {update} an update"
    if size.layers > MOST_LAYERS:
        problems.add(key, f"{where} has {size.layers} layers, expected at most {MOST_LAYERS}; {takes}")
    elif needed > MOST_BYTES:
        problems.add(key, f"{where}: {takes}, {NO_MACHINE}")


def check_seeds(count: int, key: Key, problems: Problems) -> bool:
    """Whether so many seeds can be listed."""
    if count <= MOST_SEEDS:
        return True
    problems.add(
        key,
        f"found {count} seeds, expected at most {MOST_SEEDS}; at a second a trial these take {costs.span(count)}, "
        f"and {costs.amount(count * costs.TRIAL_BYTES)} of memory to list",
    )
    return False
