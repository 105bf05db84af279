"""Standardization and the probe batch."""

import numpy as np
import pytest
import torch

from initbench.datasets import Data, Split, probe_batch, standardised
from initbench.datasets._base import BLOCK_ROWS


def drawn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def regression(x):
    return Split(x=x, y=3 * drawn(len(x), 2, seed=9) + 7)


def test_vectors_are_standardized_feature_by_feature_over_several_blocks():
    x = drawn(2 * BLOCK_ROWS + 5, 3) * torch.tensor([1.0, 50.0, 1e-3]) + torch.tensor([0.0, -4.0, 1e3])
    done = standardised(Data(train=regression(x), test=regression(x[:10]))).train.x.double().numpy()
    # the last feature steps by 1e3 * eps = 6e-5 in float32, but its moments are those of the rounded values
    assert np.allclose(done.mean(0), 0, atol=1e-6)
    assert np.allclose(done.var(0), 1, atol=1e-5)


def test_images_are_standardized_channel_by_channel():
    x = drawn(50, 2, 4, 4) * torch.tensor([2.0, 5.0]).reshape(2, 1, 1) + 3
    done = standardised(Data(train=regression(x), test=regression(x))).train.x.double()
    assert torch.allclose(done.mean((0, 2, 3)), torch.zeros(2).double(), atol=1e-6)
    assert torch.allclose(done.var((0, 2, 3), correction=0), torch.ones(2).double(), atol=1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, -1234.567])
def test_a_feature_that_never_varies_is_centered_and_not_blown_up(value):
    train = torch.full((1000, 1), value)
    data = standardised(Data(train=regression(train), test=regression(train[:3] + 2)))
    assert data.train.x.abs().max().item() <= abs(value) * 1e-7  # rounding alone
    assert torch.allclose(data.test.x, torch.full((3, 1), 2.0), rtol=1e-4)


def test_the_targets_of_a_regression_are_standardized_and_class_numbers_are_not():
    x = drawn(100, 4)
    values = standardised(Data(train=regression(x), test=regression(x))).train.y.double()
    assert torch.allclose(values.mean(0), torch.zeros(2).double(), atol=1e-6)
    assert torch.allclose(values.var(0, correction=0), torch.ones(2).double(), atol=1e-5)
    labels = torch.arange(100) % 5
    assert torch.equal(standardised(Data(Split(x, labels), Split(x, labels))).train.y, labels)


def test_standardizing_does_not_depend_on_the_number_of_threads():
    data = Data(train=regression(drawn(5000, 40)), test=regression(drawn(10, 40)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    one = standardised(data).train.x
    torch.set_num_threads(4)
    four = standardised(data).train.x
    torch.set_num_threads(threads)
    assert torch.equal(one, four)


def test_standardizing_leaves_the_raw_data_alone():
    x = drawn(20, 3)
    before = x.clone()
    standardised(Data(train=regression(x), test=regression(x)))
    assert torch.equal(x, before)


def test_the_probe_batch_is_shuffled_and_the_same_every_time():
    split = Split(x=torch.arange(100.0).reshape(100, 1), y=torch.arange(100))
    first = probe_batch(split, 30)
    torch.manual_seed(1)  # disturb the global generator
    assert torch.equal(first.y, probe_batch(split, 30).y)
    assert torch.equal(first.x[:, 0].long(), first.y)
    assert len(first.y.unique()) == 30
    assert first.y.tolist() != sorted(first.y.tolist())


def test_the_probe_batch_is_the_whole_of_a_small_split():
    split = Split(x=torch.arange(6.0).reshape(6, 1), y=torch.arange(6))
    assert sorted(probe_batch(split, 30).y.tolist()) == [0, 1, 2, 3, 4, 5]
