"""Shards: an experiment in parts that know nothing of each other, for machines that share no cluster.

Stack k of the plan, counted from 0, belongs to shard k mod n + 1. Stacks are cut by the plan alone, so shards are
disjoint, complete and the same everywhere; and neighbors, which cost about the same, are dealt out evenly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from initbench.errors import InitbenchError


@dataclass(frozen=True)
class Shard:
    """Part ``number``, from 1, of ``of`` parts; the whole is part 1 of 1."""

    number: int = 1
    of: int = 1

    @classmethod
    def parsed(cls, text: str) -> Shard:
        """``3/20``, as written on the command line. Raises InitbenchError."""
        match = re.fullmatch(r"([1-9]\d{0,8})/([1-9]\d{0,8})", text.strip(), re.ASCII)
        if match is None:
            raise InitbenchError(f"--shard: found {text!r}, expected a part of a whole, such as 1/20 to 20/20")
        if int(match[1]) > int(match[2]):
            raise InitbenchError(f"--shard: found {text!r}, expected a part from 1/{match[2]} to {match[2]}/{match[2]}")
        return cls(int(match[1]), int(match[2]))

    @property
    def is_whole(self) -> bool:
        """Whether there is nothing beside this part."""
        return self.of == 1

    @property
    def folder(self) -> str:
        """The name of its results folder, such that folders sort like shards."""
        return f"{self.number:0{len(str(self.of))}d}-of-{self.of}"

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def positions(self, stacks: int) -> range:
        """Which of so many stacks belong to it."""
        return range(self.number - 1, stacks, self.of)


WHOLE = Shard()
