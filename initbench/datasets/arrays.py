"""Your own data: an .npz file with the arrays x_train, y_train, x_test and y_test.

Inputs are vectors [N, features], grey images [N, height, width], or images [N, channels, height, width], of any real
type. Integer targets [N] are class numbers from 0 without gaps, and the task is classification; floating-point targets
[N] or [N, values] make it a regression, whose targets are standardized as the inputs are. Save such a file with
``np.savez_compressed("mine.npz", x_train=..., y_train=..., x_test=..., y_test=...)``; other arrays in it are ignored.

The format: Harris et al., "Array programming with NumPy", 2020.
"""

from __future__ import annotations

import hashlib
import math
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from initbench.datasets import _base
from initbench.datasets._base import Data, DatasetError, Spec, Split
from initbench.datasets._npz import NpzReader

KEYS = ("x_train", "y_train", "x_test", "y_test")
MOST_SHOWN = 8  # names of arrays
NUMBERS = "biuf"  # NumPy's kinds: bool, signed, unsigned, floating point
REGRESSION_TARGET = 0.5  # half the loss of always guessing the mean, since targets have variance 1


class Arrays(_base.Dataset):
    """Samples from a file of NumPy arrays."""

    path: str = Field(min_length=1, description="the .npz file; a relative path starts at the working directory")

    def spec(self, data_dir: Path) -> Spec:
        """Reads the headers, and the training targets to count the classes."""
        with self._reader() as npz:
            samples, *shape = _checked_shapes(npz)["x_train"]
            y = _targets(npz, "y_train")
            outputs = _outputs(npz.where, y)
        if _is_regression(y):
            return Spec(_input_shape(shape), outputs, "regression", samples, REGRESSION_TARGET)
        return Spec(_input_shape(shape), outputs, "classification", samples, 0.25 * math.log(outputs))

    def fingerprint(self, data_dir: Path) -> str:
        """The hash of the file."""
        with self._opened() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def load(self, data_dir: Path) -> Data:
        """Inputs in float32, class numbers in int64 or target values in float32."""
        with self._reader() as npz:
            _checked_shapes(npz)
            y_train, y_test = _targets(npz, "y_train"), _targets(npz, "y_test")
            _check_test_targets(npz.where, y_train, y_test)
            return Data(
                train=Split(_inputs(npz, "x_train"), _tensor(y_train)),
                test=Split(_inputs(npz, "x_test"), _tensor(y_test)),
            )

    @contextmanager
    def _reader(self) -> Iterator[NpzReader]:
        with self._opened() as file, NpzReader(file, self.path) as npz:
            for key in KEYS:
                if key not in npz.names:
                    raise DatasetError(f"{self.path} has no array '{key}'{_hint(key, npz.names)}")
            yield npz

    @contextmanager
    def _opened(self) -> Iterator[BufferedReader]:
        try:
            path = Path(self.path).expanduser()
            if stat.S_ISFIFO(path.stat().st_mode):  # opening it would wait for somebody to write
                raise DatasetError(f"cannot read {self.path}: it is a pipe, expected a file")
            with path.open("rb") as file:
                yield file
        except OSError as error:
            raise DatasetError(f"cannot read {self.path}: {error.strerror or error}") from error
        except (RuntimeError, ValueError) as error:  # no such user's home, or no path at all
            raise DatasetError(f"cannot read {self.path!r}: {error}") from error


def _hint(key: str, names: tuple[str, ...]) -> str:
    others = {name.lower(): name for name in names if name not in KEYS}
    near = get_close_matches(key, others, n=1)
    if near:
        return f"; is it '{others[near[0]]}'? The names must be {', '.join(KEYS)}"
    shown = [name[:40] for name in names[:MOST_SHOWN]] + (["…"] if names[MOST_SHOWN:] else [])
    return f"; it holds {', '.join(shown) or 'nothing'}, and needs {', '.join(KEYS)}"


def _checked_shapes(npz: NpzReader) -> dict[str, tuple[int, ...]]:
    """The shapes of the four arrays, which must be numbers and fit together."""
    headers = {key: npz.header(key) for key in KEYS}
    shapes = {key: header.shape for key, header in headers.items()}
    for key, header in headers.items():
        if header.dtype.kind not in NUMBERS:
            raise DatasetError(f"{npz.where}: '{key}' has type {header.dtype}, expected integers or real numbers")
    for split in ("train", "test"):
        x, y = shapes[f"x_{split}"], shapes[f"y_{split}"]
        _check_input_shape(npz.where, f"x_{split}", x)
        if len(y) not in {1, 2} or 0 in y:
            raise DatasetError(f"{npz.where}: 'y_{split}' has shape {y}, expected [N] or [N, values]")
        if x[0] != y[0]:
            raise DatasetError(f"{npz.where}: {x[0]} samples in x_{split} but {y[0]} targets in y_{split}")
    train, test = shapes["x_train"][1:], shapes["x_test"][1:]
    if train != test:
        raise DatasetError(f"{npz.where}: one sample has shape {train} in x_train but {test} in x_test")
    return shapes


def _check_input_shape(where: str, key: str, shape: tuple[int, ...]) -> None:
    if len(shape) not in {2, 3, 4} or 0 in shape:
        expected = "[N, features], [N, height, width] or [N, channels, height, width], no size being 0"
        raise DatasetError(f"{where}: '{key}' has shape {shape}, expected {expected}")
    if len(shape) == 4 and shape[1] == shape[2] > 4 and shape[3] in {1, 3, 4}:
        raise DatasetError(
            f"{where}: '{key}' has shape {shape}, which looks like channels last; expected [N, channels, height, "
            f"width]: save {key}.transpose(0, 3, 1, 2)"
        )


def _input_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of one sample as networks read it: grey images gain a channel."""
    return (1, *shape) if len(shape) == 2 else tuple(shape)


def _inputs(npz: NpzReader, key: str) -> Tensor:
    """[N, *input shape] in float32."""
    values = _finite(npz, key)
    return torch.from_numpy(values).reshape(len(values), *_input_shape(values.shape[1:]))


def _targets(npz: NpzReader, key: str) -> NDArray[Any]:
    """Class numbers [N] in the integers of the file, or values [N, outputs] in float32."""
    dtype, shape = npz.header(key).dtype, npz.header(key).shape
    if dtype.kind == "f":
        return _finite(npz, key).reshape(shape[0], -1)
    if shape[1:] not in {(), (1,)}:
        raise DatasetError(
            f"{npz.where}: '{key}' has integers of shape {shape}; class numbers are [N] (of one-hot rows, save "
            f"{key}.argmax(1)), and the targets of a regression are floating-point numbers"
        )
    return npz.array(key).reshape(-1)


def _tensor(y: NDArray[Any]) -> Tensor:
    return torch.from_numpy(y if _is_regression(y) else y.astype(np.int64))


def _is_regression(y: NDArray[Any]) -> bool:
    return y.dtype.kind == "f"


def _outputs(where: str, train: NDArray[Any]) -> int:
    """How many values a target has, or how many classes there are: they must be 0, 1, 2, … without a gap."""
    if _is_regression(train):
        return int(train.shape[1])
    classes = np.unique(train)
    gaps = np.flatnonzero(classes != np.arange(len(classes)))
    if gaps.size:
        found = classes[gaps[0]]
        raise DatasetError(
            f"{where}: 'y_train' has class {found} but no class {gaps[0]}; the {len(classes)} classes must be numbered "
            f"from 0 to {len(classes) - 1} (np.unique(y, return_inverse=True) does it)"
        )
    if len(classes) < 2:
        raise DatasetError(f"{where}: 'y_train' has one class only; a classification needs two or more")
    return len(classes)


def _check_test_targets(where: str, train: NDArray[Any], test: NDArray[Any]) -> None:
    outputs = _outputs(where, train)
    if _is_regression(train) != _is_regression(test):
        raise DatasetError(f"{where}: one of y_train and y_test has class numbers, the other floating-point values")
    if _is_regression(test) and test.shape[1] != outputs:
        raise DatasetError(f"{where}: a target has {outputs} values in y_train but {test.shape[1]} in y_test")
    unknown: NDArray[Any] = np.setdiff1d(test, train)
    if not _is_regression(test) and unknown.size:
        raise DatasetError(f"{where}: 'y_test' has class {unknown[0]}, which y_train has not")


def _finite(npz: NpzReader, key: str) -> NDArray[np.float32]:
    values = npz.array(key)
    with np.errstate(over="ignore"):  # what is too large for float32 becomes infinite, and is reported here
        single = np.ascontiguousarray(values, dtype=np.float32)
    wrong = ~np.isfinite(single)
    if wrong.any():
        place = np.unravel_index(int(wrong.argmax()), wrong.shape)
        index = ", ".join(str(axis) for axis in place)
        raise DatasetError(f"{npz.where}: {key}[{index}] is {values[place]}; every value must be finite in float32")
    return single
