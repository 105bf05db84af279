"""The embedded subset of MNIST."""

import hashlib
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from initbench.datasets import DATASETS, DatasetError, mnist_10k, standardised

FOLDER = Path("unused")


@pytest.fixture(scope="module")
def data():
    return DATASETS["mnist_10k"]().load(FOLDER)


def embedded():
    return resources.files("initbench.datasets") / "_files" / "mnist_10k.npz"


def test_the_file_is_the_one_that_was_made():
    digest = hashlib.sha256(embedded().read_bytes()).hexdigest()
    assert digest == "c2797d51e8dd24344c5a98b59fe9e2b1efb7a69fcf1ac9f96197d763ceabc91e"
    assert DATASETS["mnist_10k"]().fingerprint(FOLDER) == digest


def test_its_notice_lies_beside_it():
    notice = (resources.files("initbench.datasets") / "_files" / "NOTICE.md").read_text(encoding="utf-8")
    assert all(word in notice for word in ("subset", "LeCun", "Cortes", "Burges", "CC BY-SA 3.0"))


def test_another_file_in_its_place_is_refused(monkeypatch):
    monkeypatch.setattr(mnist_10k, "SHA256", "0" * 64)
    with pytest.raises(DatasetError, match="damaged; install initbench again"):
        DATASETS["mnist_10k"]().load(FOLDER)


def test_the_data_is_what_the_spec_promises(data):
    spec = DATASETS["mnist_10k"]().spec(FOLDER)
    assert data.train.x.shape == (spec.train_samples, *spec.input_shape)
    assert data.test.x.shape == (2000, 1, 28, 28)
    assert data.train.y.unique().tolist() == list(range(spec.outputs))
    assert (spec.task, spec.target_loss) == ("classification", 0.5)


def test_pixels_are_divided_by_255_and_unchanged(data):
    with np.load(embedded(), allow_pickle=False) as arrays:
        assert np.array_equal((data.train.x[:, 0] * 255).round().numpy(), arrays["x_train"])
        assert np.array_equal(data.test.y.numpy(), arrays["y_test"])
    assert (data.train.x.min().item(), data.train.x.max().item()) == (0.0, 1.0)


def test_each_class_has_its_share_of_the_official_splits(data):
    train = np.array([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949])  # of 60,000: the official counts
    test = np.array([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])  # of 10,000
    assert abs(data.train.y.bincount().numpy() - train / 6).max() < 1
    assert abs(data.test.y.bincount().numpy() - test / 5).max() < 1


@pytest.mark.parametrize(("power", "published"), [(1, 0.130660), (2, 0.308108**2 + 0.130660**2)])
def test_its_moments_are_near_those_of_the_60000_images(data, power, published):
    of_each_image = (data.train.x**power).mean((1, 2, 3))
    five_standard_errors = 5 * of_each_image.std().item() / 100  # of 10,000 images
    assert of_each_image.mean().item() == pytest.approx(published, abs=five_standard_errors)


def test_standardized_training_pixels_have_mean_0_and_variance_1(data):
    x = standardised(data).train.x.numpy().astype(np.float64)
    single = 2.0**-23  # the spacing of float32 at 1: each value is rounded once
    assert x.mean() == pytest.approx(0, abs=single)
    assert x.var() == pytest.approx(1, abs=4 * single)


def test_test_pixels_are_scaled_with_the_statistics_of_the_training_split(data):
    mean, std = data.train.x.double().mean(), data.train.x.double().std(correction=0)
    expected = (data.test.x.double() - mean) / std
    assert (standardised(data).test.x - expected).abs().max().item() < 1e-6  # values up to 3, in float32
