"""Whether a run takes the report of another experiment, of the same name or in the same folder, off the disk."""

from __future__ import annotations

from initbench.execute import Schedule
from initbench.execute.provenance import command
from initbench.records import RecordsError


def replaced(work: Schedule, *, searches: bool) -> tuple[str, ...]:
    """A sentence on the report that ``work`` will replace; none where the new one shows all that the old one does.

    The first round of a search has but a part of its trials: it is known by its command.
    """
    try:
        held = work.folder.manifest()
    except RecordsError:
        return ()  # there is nothing, or what will be refused
    before = work.folder.command()
    if searches and before == command():
        return ()
    if set(held.trials) <= set(work.ids()):
        return ()
    how = f" ({before})" if before else ""
    return (f"{work.folder.path} held another experiment{how}; its report is replaced, its records are kept",)
