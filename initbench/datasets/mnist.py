"""MNIST: 70,000 images of handwritten digits, 60,000 of them for training; to be downloaded.

Grey images of 28 by 28 pixels, divided by 255, in ten classes. ``initbench data fetch mnist`` gets the files; a copy
that torchvision made is read as it is.

LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998, section III.
"""

from __future__ import annotations

from initbench.datasets import _published
from initbench.datasets._published import Published, Source


class Mnist(_published.PublishedDataset):
    """The full MNIST database."""

    target_loss = 0.5
    source = Source(
        name="mnist",
        folder="MNIST",
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://raw.githubusercontent.com/fgnt/mnist/master/",
        ),
        files=(
            Published(
                "train-images-idx3-ubyte",
                zipped_size=9_912_422,
                zipped_sha256="440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                size=47_040_016,
                sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            Published(
                "train-labels-idx1-ubyte",
                zipped_size=28_881,
                zipped_sha256="3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                size=60_008,
                sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            Published(
                "t10k-images-idx3-ubyte",
                zipped_size=1_648_877,
                zipped_sha256="8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                size=7_840_016,
                sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            Published(
                "t10k-labels-idx1-ubyte",
                zipped_size=4_542,
                zipped_sha256="f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                size=10_008,
                sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
    )
