"""The tables on disk: the only code that knows the layout of a results folder.

::

    results/<experiment>/
      experiment.yaml    the resolved config, re-runnable as is (a search for depths starts from it)
      manifest.json      what this experiment consists of: its trials in order, its axes, its target
      provenance.json    versions, platform, times
      records/           one Parquet file for each table and finished stack; a cache of trials by id
        outcomes/  curves/  layers/
      failures/          the traceback of each stack that failed
      .lock              held by the run that writes here

Every file is written beside its final name, flushed and renamed, so a reader never sees half a file. A stack's
``outcomes`` come last and are what makes it count: rows of ``curves`` and ``layers`` without them are ignored. A file
that this program did not write, or that something has damaged since, is named and left alone. The folder may be a link
itself; inside of it nothing is written through one: links to files are replaced, links to folders refused.
"""

from __future__ import annotations

from pathlib import Path

from initbench.records.files import RecordsError, refuse_link, write_bytes, write_text
from initbench.records.folder import ResultsFolder
from initbench.records.model import FAILED, SCHEMA_VERSION, TABLES, Manifest, Portion, Records, Results

__all__ = [
    "FAILED",
    "SCHEMA_VERSION",
    "TABLES",
    "Manifest",
    "Portion",
    "Records",
    "RecordsError",
    "Results",
    "ResultsFolder",
    "read",
    "refuse_link",
    "write_bytes",
    "write_text",
]


def read(path: str | Path) -> Results:
    """Read a results folder: ``read("results/deep_relu").records.outcomes``."""
    return ResultsFolder(Path(path)).read()
