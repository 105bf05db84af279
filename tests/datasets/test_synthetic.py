"""Synthetic data: the geometry of the blobs, the teacher, and what may depend on what."""

import math
from pathlib import Path

import pytest
import torch
from pydantic import ValidationError

from initbench.datasets.synthetic import Synthetic

FOLDER = Path("unused")
VARIANTS = [
    Synthetic(),
    Synthetic(shape=(3, 6, 5), classes=4),
    Synthetic(features=7, classes=2, samples=50, test_samples=1),
    Synthetic(kind="teacher"),
    Synthetic(kind="teacher", shape=(1, 4, 4), classes=3, noise=0.5),
]


def drawn(**options):
    return Synthetic(**options).load(FOLDER)


@pytest.mark.parametrize("dataset", VARIANTS, ids=lambda dataset: dataset.label)
def test_the_data_is_what_the_spec_promises(dataset):
    spec, data = dataset.spec(FOLDER), dataset.load(FOLDER)
    for split, count in ((data.train, dataset.samples), (data.test, dataset.test_samples)):
        assert (split.x.shape, split.x.dtype) == ((count, *spec.input_shape), torch.float32)
        assert (split.y.shape, split.y.dtype) == ((count,), torch.int64)
    assert data.train.y.unique().tolist() == list(range(spec.outputs))
    assert spec.train_samples == dataset.samples
    assert spec.target_loss == pytest.approx(0.25 * math.log(dataset.classes))


@pytest.mark.parametrize("dataset", VARIANTS, ids=lambda dataset: dataset.label)
def test_the_options_alone_decide_the_samples(dataset):
    first = dataset.load(FOLDER)
    torch.manual_seed(1)  # disturb the global generator
    again = Synthetic(**dataset.options()).load(FOLDER)
    assert torch.equal(first.train.x, again.train.x)
    assert torch.equal(first.test.y, again.test.y)


@pytest.mark.parametrize("kind", ["blobs", "teacher"])
def test_the_test_split_does_not_depend_on_the_number_of_training_samples(kind):
    few, many = drawn(kind=kind, samples=100), drawn(kind=kind, samples=300)
    assert torch.equal(few.test.x, many.test.x)
    assert torch.equal(few.test.y, many.test.y)


def test_blobs_have_classes_of_equal_size():
    counts = drawn(classes=7, samples=1000).train.y.bincount(minlength=7)
    assert sorted(set(counts.tolist())) == [142, 143]


def test_the_noise_is_the_deviation_of_a_blob_in_each_direction():
    noisy, centers = drawn(noise=0.4).train.x, drawn(noise=0.0).train.x
    relative_five_sigma = 5 / math.sqrt(2 * noisy.numel())
    assert (noisy - centers).std().item() == pytest.approx(0.4, rel=relative_five_sigma)


def test_centers_have_length_one_in_any_dimension():
    for features in (10, 1000):
        split = drawn(noise=0.0, features=features, classes=100, samples=100).train
        squares = split.x.square().sum(1)  # one center a class: chi squared of `features` degrees over `features`
        five_sigma = 5 * math.sqrt(2 / (features * 100))
        assert squares.mean().item() == pytest.approx(1, abs=five_sigma)


def test_default_blobs_can_be_learned_but_not_to_perfection():
    """The nearest center is the best classifier: with 9 rivals at √2, at most 9 · (1 - Φ(1 / (√2 · 0.3))) = 8.3 %.

    Rivals lie at random, some nearer than √2, and the sum counts overlaps twice: hence a band.
    """
    centers = drawn(noise=0.0, test_samples=10).test
    test = drawn().test
    nearest = torch.cdist(test.x, centers.x).argmin(1)
    error = (centers.y[nearest] != test.y).float().mean().item()
    assert 0.02 < error < 0.15


def test_images_are_made_of_patches():
    images = drawn(noise=0.0, shape=(2, 8, 12), samples=10).train.x
    patches = images.reshape(10, 2, 4, 2, 4, 3)
    assert torch.equal(patches, patches[:, :, :, :1, :, :1].expand_as(patches))


def test_a_teacher_uses_every_class_about_equally_and_cannot_be_imitated_by_a_linear_model():
    train = drawn(kind="teacher").train
    assert train.y.bincount().min().item() > 4000 / 10 / 2
    targets = torch.nn.functional.one_hot(train.y).float()
    fit = torch.linalg.lstsq(train.x, targets).solution
    assert ((train.x @ fit).argmax(1) == train.y).float().mean().item() < 0.85


def test_noise_on_a_teacher_moves_some_labels_and_no_inputs():
    clean, noisy = drawn(kind="teacher").train, drawn(kind="teacher", noise=0.2).train
    assert torch.equal(clean.x, noisy.x)
    assert 0 < (clean.y != noisy.y).float().mean().item() < 0.5


def test_a_fingerprint_changes_when_and_only_when_the_samples_do():
    variants = [*VARIANTS, Synthetic(seed=1), Synthetic(noise=0.2), Synthetic(samples=10), Synthetic(classes=3)]
    assert len({dataset.fingerprint(FOLDER) for dataset in variants}) == len(variants)
    assert Synthetic(noise=0.3).fingerprint(FOLDER) == Synthetic().fingerprint(FOLDER)


def test_another_seed_gives_other_samples():
    assert not torch.equal(drawn(seed=0).train.x, drawn(seed=1).train.x)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": 3, "shape": (1, 2, 2)}, "either features or shape, not both"),
        ({"features": 0}, "greater than 0"),
        ({"shape": (3, 4)}, "shape"),
        ({"classes": 1}, "greater than or equal to 2"),
        ({"noise": -0.1}, "greater than or equal to 0"),
        ({"noise": math.inf}, "finite"),
        ({"kind": "spirals"}, "'blobs' or 'teacher'"),
        ({"samples": "100"}, "valid integer"),
    ],
)
def test_options_out_of_bounds_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        Synthetic(**options)
