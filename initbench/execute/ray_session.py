"""Joining a Ray cluster: at once, or with a sentence that says why not."""

from __future__ import annotations

import io
import logging
import os
import re
import socket
import sys
import textwrap

import ray

from initbench.errors import InitbenchError

CONNECT_SECONDS = 10.0
LONGEST_LINE = 160  # of what Ray says by itself


class ClusterError(InitbenchError):
    """A Ray cluster that cannot be reached, or has no room for a stack."""


def connect(address: str) -> None:
    """Join the cluster at an address, or the one that ``auto`` finds. Where there is none, Ray would try for minutes.

    Raises
    ------
    ClusterError
        There is no cluster, or it will not have this process.
    """
    named = os.environ.get("RAY_ADDRESS") or "auto" if address == "auto" else address
    how = "start one with ray start --head, or give --address HOST:PORT of its head node"
    if named not in {"auto", "local"}:
        _knock(named)
    try:
        ray.init(named, logging_level=logging.ERROR, log_to_driver=False)
    except ConnectionError as error:
        where = "on this machine, nor one in RAY_ADDRESS" if named == "auto" else f"at {named}"
        raise ClusterError(f"there is no Ray cluster {where}; {how}") from error
    except (RuntimeError, ValueError, OSError) as error:
        raise ClusterError(f"cannot join the Ray cluster at {named}: {first_line(error)}") from error


def _knock(address: str) -> None:
    """See that somebody listens at an address."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()
    except ValueError as error:
        raise ClusterError(f"--address: found {address!r}, expected HOST:PORT such as 10.0.0.1:6379") from error
    except OSError as error:
        why = error.strerror or error
        raise ClusterError(f"no Ray cluster can be reached at {address} ({why}); is its head node running?") from error


class Told(io.TextIOBase):
    """What Ray prints, in a line on stderr each: stdout is for results, and a lost node is told in twenty lines."""

    def write(self, text: str) -> int:
        """Pass the first line on."""
        first = re.sub(r"\x1b\[\d*m", "", text).strip().partition("\n")[0]
        if first:
            sys.stderr.write(textwrap.shorten(first, LONGEST_LINE, placeholder=" …") + "\n")
        return len(text)


def first_line(error: BaseException) -> str:
    """What an exception says, in a line."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
