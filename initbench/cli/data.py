"""``initbench data``: download datasets, and say where they lie."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from rich.table import Table

from initbench.cli import console
from initbench.cli.guard import NOT_MEASURED
from initbench.cli.options import DataDir
from initbench.errors import InitbenchError

if TYPE_CHECKING:
    from initbench.datasets import Published, Source

app = typer.Typer(help="Download datasets, and say where they lie.", no_args_is_help=True)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="mnist or fashion_mnist.", show_default=False)],
    data_dir: DataDir = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option(
            help="Download from this address instead of the known ones. Repeat it for several, tried in order."
        ),
    ] = None,
) -> None:
    """Download a dataset and verify it.

    Files that are right already are left alone; running it again repairs a damaged copy.
    """
    from initbench.datasets import DownloadError, data_folder

    source = _source(name)
    if source is None:
        console.say(f"{name} needs no download.")
        return
    folder = source.raw(data_folder(data_dir))
    try:
        downloaded = _download(source, data_folder(data_dir), mirror or list(source.mirrors))
    except DownloadError as error:
        way_out = "Try again, name another --mirror, or put the files into the data folder yourself."
        console.say(f"Error: {error}\n{way_out}", err=True)
        raise typer.Exit(NOT_MEASURED) from error
    done = f"{len(downloaded)} of {len(source.files)} files downloaded" if downloaded else "complete already"
    console.say(f"{name} is in {folder}: {done}.")


@app.command("list")
def list_datasets(data_dir: DataDir = None) -> None:
    """List the datasets, and which are ready to use."""
    from initbench.datasets import DATASETS, data_folder

    folder = data_folder(data_dir)
    table = Table("dataset", "state", "what it is", box=None, header_style="bold", pad_edge=False)
    for name, cls in DATASETS.items():
        table.add_row(name, _state(name, folder), cls.summary())
    console.out().print(table)
    console.say(f"\nData folder: {folder}")


@app.command()
def where(data_dir: DataDir = None) -> None:
    """Print the folder of downloaded data."""
    from initbench.datasets import data_folder

    console.say(str(data_folder(data_dir)))


def _source(name: str) -> Source | None:
    """Where to download a dataset from, or None if it needs no download. Raises InitbenchError."""
    from initbench.component import UnknownNameError
    from initbench.datasets import DATASETS, PublishedDataset

    try:
        found, _ = DATASETS.resolve(name)
    except UnknownNameError as error:
        raise InitbenchError(str(error)) from error
    return found.source if issubclass(found, PublishedDataset) else None


def _download(source: Source, folder: Path, mirrors: list[str]) -> list[Published]:
    from initbench.datasets import fetch as fetch_files

    for mirror in mirrors:
        if not mirror.startswith(("http://", "https://")):
            raise InitbenchError(f"a mirror is an address that begins with http:// or https://, found '{mirror}'")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console.err()) as progress:
        bars = {file.name: progress.add_task(file.name, total=file.zipped_size, visible=False) for file in source.files}
        return fetch_files(
            source,
            folder,
            mirrors,
            watch=lambda file, done: progress.update(bars[file.name], completed=done, visible=True),
        )


def _state(name: str, folder: Path) -> str:
    source = _source(name)
    return "not downloaded" if source and source.missing(folder) else "ready"
