"""From a trial to its filled network: what decides the weights, and what is left alone."""

import torch
from example_trials import SMALL, prepared

from initbench.train.initialise import build, initialised


def test_weights_depend_on_the_trial_and_on_nothing_around_it() -> None:
    trials, material = prepared(init="he,normal[std=0.1]", seeds=2)
    together = initialised(trials, material)
    torch.manual_seed(1)
    for trial, network in zip(trials, together.networks, strict=True):
        alone = initialised([trial], material).networks[0]
        assert all(torch.equal(p, q) for p, q in zip(alone.parameters(), network.parameters(), strict=True))
    assert len({network.output.weight.sum().item() for network in together.networks}) == len(trials)


def test_what_no_scheme_fills_is_seeded_by_the_trial() -> None:
    trials, material = prepared(seeds=2)
    torch.manual_seed(0)
    first = [build(trial, material).output.weight for trial in trials]
    torch.manual_seed(1)
    again = [build(trial, material).output.weight for trial in trials]
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], first[1])


def test_the_global_generator_stays_where_it_was() -> None:
    trials, material = prepared(SMALL)
    before = torch.get_rng_state()
    initialised(trials, material)
    assert torch.equal(torch.get_rng_state(), before)


def test_the_time_of_each_scheme_is_its_own() -> None:
    trials, material = prepared(init="zeros,lsuv", network__depth=6, network__width=200)
    filled = initialised(trials, material)
    assert len(filled.seconds) == len(trials)
    assert all(seconds > 0 for seconds in filled.seconds)
