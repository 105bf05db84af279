"""Seeding: streams depend on (seed, purpose, name) and on nothing else."""

import subprocess
import sys

import torch

from initbench.seeding import derived_seed, generator


def draws(*key: object) -> torch.Tensor:
    return torch.randn(1000, generator=generator(*key))


def test_equal_keys_give_equal_draws() -> None:
    assert torch.equal(draws(3, "weight", "layer1.weight"), draws(3, "weight", "layer1.weight"))


def test_every_part_of_the_key_changes_the_draws() -> None:
    keys = [(3, "weight", "a"), (4, "weight", "a"), (3, "batches", "a"), (3, "weight", "b")]
    streams = torch.stack([draws(*key) for key in keys])
    correlation = torch.corrcoef(streams) - torch.eye(len(keys))
    assert correlation.abs().max() < 5 / 1000**0.5  # five standard errors of a correlation of 1000 pairs


def test_neighbouring_seeds_are_unrelated() -> None:
    streams = torch.stack([draws(seed, "weight", "a") for seed in range(20)])
    correlation = torch.corrcoef(streams) - torch.eye(20)
    assert correlation.abs().max() < 5 / 1000**0.5


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    state = torch.random.get_rng_state()
    first = draws(0, "weight", "a")
    torch.random.manual_seed(99)
    second = draws(0, "weight", "a")
    torch.random.set_rng_state(state)
    assert torch.equal(first, second)
    draws(1)
    assert torch.equal(state, torch.random.get_rng_state())


def test_seeds_are_the_same_in_another_process() -> None:
    script = "from initbench.seeding import derived_seed; print(derived_seed(7, 'weight', 'layer1.weight'))"
    there = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    assert int(there) == derived_seed(7, "weight", "layer1.weight")


def test_seeds_fit_the_generator() -> None:
    assert all(0 <= derived_seed(seed, "p") < 2**63 for seed in range(100))


def test_a_seed_is_pinned_so_that_results_stay_comparable_across_releases() -> None:
    # sha256("0/weight/layer1.weight"), first eight bytes, big endian, without the lowest bit
    assert derived_seed(0, "weight", "layer1.weight") == 8248933957666438404
