"""The order of the samples: what decides it, and what does not."""

import pytest
import torch

from initbench.datasets import Split
from initbench.seeding import generator
from initbench.train.batches import Batches


def numbered(samples: int) -> Split:
    """A split whose inputs and classes are the sample's own number."""
    return Split(x=torch.arange(samples).float().unsqueeze(1), y=torch.arange(samples))


@pytest.mark.parametrize(("samples", "batch_size"), [(12, 4), (13, 4), (7, 7), (5, 1), (9, 8)])
def test_an_epoch_is_a_permutation_of_which_whole_batches_are_used(samples: int, batch_size: int) -> None:
    batches = Batches(numbered(samples), [3], batch_size)
    assert batches.per_epoch == samples // batch_size
    for epoch in range(3):
        order = torch.randperm(samples, generator=generator(3, "batches", str(epoch)))
        for position in range(batches.per_epoch):
            batch = batches[epoch * batches.per_epoch + position]
            expected = order[position * batch_size : (position + 1) * batch_size]
            assert torch.equal(batch.y, expected.unsqueeze(0))
            assert torch.equal(batch.x[..., 0], expected.unsqueeze(0).float())


def test_every_sample_is_seen_once_an_epoch_where_batches_fit() -> None:
    batches = Batches(numbered(12), [0], 4)
    epochs = [torch.cat([batches[3 * epoch + i].y[0] for i in range(3)]) for epoch in range(4)]
    assert all(torch.equal(epoch.sort().values, torch.arange(12)) for epoch in epochs)
    assert len({tuple(epoch.tolist()) for epoch in epochs}) == 4


def test_replicas_with_one_data_seed_share_their_batches() -> None:
    assert Batches(numbered(8), [5, 5, 5], 2)[1].x.shape == (1, 2, 1)


def test_each_replica_gets_the_batches_of_its_data_seed_whatever_rides_beside_it() -> None:
    together = Batches(numbered(10), [9, 2, 9, 4], 3)
    for replica, seed in enumerate([9, 2, 9, 4]):
        alone = Batches(numbered(10), [seed], 3)
        for step in (0, 1, 2, 3, 7):
            assert torch.equal(together[step].y[replica], alone[step].y[0])
            assert torch.equal(together[step].x[replica], alone[step].x[0])


def test_batches_may_be_asked_for_in_any_order() -> None:
    forward, backward = Batches(numbered(10), [1], 2), Batches(numbered(10), [1], 2)
    ahead = {step: forward[step].y for step in range(15)}
    assert all(torch.equal(backward[step].y, ahead[step]) for step in reversed(range(15)))


def test_images_keep_their_shape() -> None:
    split = Split(x=torch.arange(2 * 3 * 4 * 5).float().view(2, 3, 4, 5), y=torch.arange(2))
    batch = Batches(split, [0, 1], 1)[0]
    assert batch.x.shape == (2, 1, 3, 4, 5)
    assert all(torch.equal(batch.x[r, 0], split.x[batch.y[r, 0]]) for r in range(2))


def test_the_global_generator_is_neither_read_nor_set() -> None:
    torch.manual_seed(0)
    first = Batches(numbered(30), [1], 5)[0].y
    state = torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(Batches(numbered(30), [1], 5)[0].y, first)
    torch.manual_seed(0)
    assert torch.equal(torch.get_rng_state(), state)
