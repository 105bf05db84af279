"""Fashion-MNIST: 70,000 images of clothing, 60,000 of them for training; to be downloaded.

Grey images of 28 by 28 pixels, divided by 255, in ten classes that are harder to tell apart than digits. ``initbench
data fetch fashion_mnist`` gets the files; a copy that torchvision made is read as it is.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms", 2017.
"""

from __future__ import annotations

from initbench.datasets import _published
from initbench.datasets._published import Published, Source


class FashionMnist(_published.PublishedDataset):
    """The full Fashion-MNIST dataset (MIT licence, Zalando)."""

    target_loss = 0.6
    source = Source(
        name="fashion_mnist",
        folder="FashionMNIST",
        mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),  # no https there: the hash protects
        files=(
            Published(
                "train-images-idx3-ubyte",
                zipped_size=26_421_880,
                zipped_sha256="3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                size=47_040_016,
                sha256="c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            Published(
                "train-labels-idx1-ubyte",
                zipped_size=29_515,
                zipped_sha256="a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                size=60_008,
                sha256="bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            Published(
                "t10k-images-idx3-ubyte",
                zipped_size=4_422_102,
                zipped_sha256="346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                size=7_840_016,
                sha256="5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            Published(
                "t10k-labels-idx1-ubyte",
                zipped_size=5_148,
                zipped_sha256="67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                size=10_008,
                sha256="0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
    )
