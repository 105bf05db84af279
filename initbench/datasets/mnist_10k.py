"""A subset of MNIST inside the package: 10,000 training and 2,000 test images of handwritten digits.

The images are evenly spaced within each class of the official splits, their pixels unchanged and divided by 255. The
file carries its own notice (``_files/NOTICE.md``); its licence is not that of the code. An accuracy near 95.5 % on
2,000 test images has a standard error of about 0.45 points: for figures on MNIST itself, use ``mnist``.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998, section III.
"""

from __future__ import annotations

import hashlib
import io
from importlib import resources
from pathlib import Path

from initbench.datasets import _base
from initbench.datasets._base import Data, DatasetError, Spec
from initbench.datasets._images import grey_images
from initbench.datasets._npz import NpzReader

FILE = "_files/mnist_10k.npz"
SHA256 = "c2797d51e8dd24344c5a98b59fe9e2b1efb7a69fcf1ac9f96197d763ceabc91e"


class Mnist10k(_base.Dataset):
    """Ten classes of 28 by 28 grey images, read from the package: nothing to download."""

    def spec(self, data_dir: Path) -> Spec:
        """[1, 28, 28] images in 10 classes."""
        return Spec((1, 28, 28), outputs=10, task="classification", train_samples=10_000, target_loss=0.5)

    def fingerprint(self, data_dir: Path) -> str:
        """The hash of the file; ``load`` accepts no other."""
        return SHA256

    def load(self, data_dir: Path) -> Data:
        """Pixels in [0, 1] and class numbers."""
        content = resources.files("initbench.datasets").joinpath(FILE).read_bytes()
        if hashlib.sha256(content).hexdigest() != SHA256:
            raise DatasetError(f"the embedded {FILE} is damaged; install initbench again")
        with NpzReader(io.BytesIO(content), FILE) as npz:
            return Data(
                train=grey_images(npz.array("x_train"), npz.array("y_train")),
                test=grey_images(npz.array("x_test"), npz.array("y_test")),
            )
