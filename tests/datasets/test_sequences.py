"""Sequences: what the samples hold, and that the answers can be read off them."""

import math
from pathlib import Path

import pytest
import torch

from initbench.datasets import DATASETS, standardised

SEQUENCES = DATASETS["sequences"]
every_kind = pytest.mark.parametrize("kind", ["adding", "recall"])


def test_the_adding_target_is_the_sum_of_two_marked_numbers_one_in_each_half(tmp_path: Path) -> None:
    split = SEQUENCES(steps=9, samples=500).load(tmp_path).train
    numbers, marks = split.x[:, 0].unbind(dim=2)
    assert split.x.shape == (500, 1, 9, 2)
    assert marks[:, :4].sum(dim=1).unique().tolist() == [1.0]
    assert marks[:, 4:].sum(dim=1).unique().tolist() == [1.0]
    torch.testing.assert_close((numbers * marks).sum(dim=1), split.y[:, 0])
    assert bool(((numbers >= 0) & (numbers < 1)).all())
    assert (marks.mean(dim=0) > 0).all()  # 500 samples leave out one of at most 5 positions with chance 5 · 0.8^500


def test_the_adding_target_varies_as_two_uniform_numbers_do(tmp_path: Path) -> None:
    count = 20_000
    y = SEQUENCES(steps=4, samples=count).load(tmp_path).train.y.double()
    # The sum of two has variance 1/6 and kurtosis 2.4, so its sample variance has a relative error of √(1.4 / n).
    assert y.var().item() == pytest.approx(1 / 6, rel=5 * math.sqrt(1.4 / count))
    assert y.mean().item() == pytest.approx(1, abs=5 * math.sqrt(1 / 6 / count))


def test_the_class_of_recall_is_the_first_symbol(tmp_path: Path) -> None:
    split = SEQUENCES(kind="recall", steps=6, symbols=5, samples=300).load(tmp_path).train
    assert split.x.shape == (300, 1, 6, 5)
    assert split.x.sum(dim=3).unique().tolist() == [1.0]
    assert torch.equal(split.x[:, 0, 0].argmax(dim=1), split.y)
    assert split.y.unique().tolist() == [0, 1, 2, 3, 4]


@every_kind
def test_the_spec_says_what_is_loaded(kind: str, tmp_path: Path) -> None:
    dataset = SEQUENCES(kind=kind, steps=7, samples=40, test_samples=10)
    spec, data = dataset.spec(tmp_path), dataset.load(tmp_path)
    assert tuple(data.train.x.shape[1:]) == spec.input_shape
    assert (len(data.train.x), len(data.test.x), spec.train_samples) == (40, 10, 40)
    assert data.train.y.is_floating_point() == (spec.task == "regression")
    assert spec.outputs == (1 if kind == "adding" else int(data.train.x.shape[-1]))


@every_kind
def test_the_seed_alone_decides_and_the_test_split_stays(kind: str, tmp_path: Path) -> None:
    first, again = (SEQUENCES(kind=kind, samples=30).load(tmp_path) for _ in range(2))
    more = SEQUENCES(kind=kind, samples=60).load(tmp_path)
    other = SEQUENCES(kind=kind, samples=30, seed=1)
    assert torch.equal(first.train.x, again.train.x)
    assert torch.equal(first.test.x, more.test.x)
    assert not torch.equal(first.train.x, other.load(tmp_path).train.x)
    assert other.fingerprint(tmp_path) != SEQUENCES(kind=kind, samples=30).fingerprint(tmp_path)


def test_standardized_adding_has_targets_of_variance_one(tmp_path: Path) -> None:
    y = standardised(SEQUENCES(samples=200).load(tmp_path)).train.y
    assert y.var(correction=0).item() == pytest.approx(1, rel=1e-5)


def test_a_sequence_of_one_step_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        SEQUENCES(steps=1)
