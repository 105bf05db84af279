"""Datasets published as four IDX files of known content, in the folder layout of torchvision.

The files lie in ``<data folder>/<Name>/raw/``, unzipped or as ``.gz``. Reading verifies the hash of the unzipped
content (about 0.1 s for MNIST), so that a fingerprint made of the known hashes is true of whatever was read.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from abc import ABC
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from initbench.datasets import _base
from initbench.datasets._base import Data, DatasetError, Spec, Split
from initbench.datasets._folder import data_folder
from initbench.datasets._idx import parse_idx
from initbench.datasets._images import grey_images


@dataclass(frozen=True)
class Published:
    """One file: its name without ``.gz``, then size in bytes and sha256 of the ``.gz`` and of its content."""

    name: str
    zipped_size: int
    zipped_sha256: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Source:
    """Where the files of a dataset come from and where they lie.

    ``mirrors`` are addresses to which a file name and ``.gz`` are appended, in the order in which to try them;
    ``files`` are the training images and labels, then those of the test split.
    """

    name: str
    folder: str
    mirrors: tuple[str, ...]
    files: tuple[Published, Published, Published, Published]

    def raw(self, data_dir: Path) -> Path:
        """The folder of the files."""
        return data_dir / self.folder / "raw"

    def missing(self, data_dir: Path) -> list[Published]:
        """The files that are not there; those that are may still be damaged."""
        return [file for file in self.files if _located(file, self.raw(data_dir)) is None]

    def damaged(self, data_dir: Path) -> list[Published]:
        """The files that are missing or hold anything but the published content."""
        return [file for file in self.files if not self._is_right(file, data_dir)]

    def read(self, file: Published, data_dir: Path) -> bytes:
        """The unzipped content of a file, verified.

        Raises
        ------
        DatasetError
            The file is missing, unreadable or damaged.
        """
        path = _located(file, self.raw(data_dir))
        if path is None:
            raise DatasetError(
                f"{self.name} needs {file.name} in {self.raw(data_dir)}, which is not there; {self._remedy(data_dir)}"
            )
        try:
            with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
                content = stream.read(file.size + 1)  # never more, whatever a forged file unzips to
        except (OSError, EOFError, zlib.error) as error:
            raise DatasetError(f"{path} cannot be read ({error}); {self._remedy(data_dir)}") from error
        if hashlib.sha256(content).hexdigest() != file.sha256:
            found = f"{len(content)} of {file.size} bytes" if len(content) < file.size else "other content"
            raise DatasetError(f"{path} is not the published file: it has {found}; {self._remedy(data_dir)}")
        return content

    def _is_right(self, file: Published, data_dir: Path) -> bool:
        try:
            self.read(file, data_dir)
        except DatasetError:
            return False
        return True

    def _remedy(self, data_dir: Path) -> str:
        place = "" if data_dir == data_folder() else f" --data-dir {data_dir}"
        return f"run `initbench data fetch {self.name}{place}`"


class PublishedDataset(_base.Dataset, ABC):
    """Grey images of 28 by 28 pixels in ten classes, from the files of a ``source``."""

    source: ClassVar[Source]
    target_loss: ClassVar[float]

    def spec(self, data_dir: Path) -> Spec:
        """Known without the files."""
        return Spec((1, 28, 28), 10, "classification", train_samples=60_000, target_loss=self.target_loss)

    def fingerprint(self, data_dir: Path) -> str:
        """A hash of the files' hashes; ``load`` accepts no other content."""
        return hashlib.sha256("".join(file.sha256 for file in self.source.files).encode()).hexdigest()

    def load(self, data_dir: Path) -> Data:
        """Pixels in [0, 1] and class numbers."""
        return read_splits(self.source, data_dir)


def read_splits(source: Source, data_dir: Path) -> Data:
    """Both splits from the files of ``source``: pixels in [0, 1], shape [N, 1, H, W], and class numbers [N].

    Raises
    ------
    DatasetError
        A file is missing or damaged; the message says how to get it.
    """

    def split(images: Published, labels: Published) -> Split:
        pixels = parse_idx(source.read(images, data_dir), dimensions=3, where=images.name)
        classes = parse_idx(source.read(labels, data_dir), dimensions=1, where=labels.name)
        if len(pixels) != len(classes):
            raise DatasetError(f"{images.name} has {len(pixels)} images but {labels.name} {len(classes)} labels")
        return grey_images(pixels, classes)

    train_images, train_labels, test_images, test_labels = source.files
    return Data(train=split(train_images, train_labels), test=split(test_images, test_labels))


def _located(file: Published, folder: Path) -> Path | None:
    candidates = (folder / file.name, folder / f"{file.name}.gz")
    return next((path for path in candidates if path.is_file()), None)
