"""``expect:`` in a config: what it may say, and what is refused."""

from pathlib import Path

import pytest

from initbench.config import ConfigError, Experiment, load_text
from initbench.expectation import Expectation

HEAD = "init: [he, xavier, 'normal[std=0.01]']\n"


def loaded(text: str, folder: Path) -> Experiment:
    return load_text(HEAD + text, "x.yaml", (), folder)


def test_expectations_name_schemes_as_init_does_and_survive_the_round_trip(tmp_path: Path) -> None:
    experiment = loaded(
        "expect:\n"
        "  kaiming: {final_train_loss: '< 0.5', reached: all, faster_than: glorot, by: 2}\n"
        "  normal[std=0.01]: {state: stalled, reached: 0}\n",
        tmp_path,
    )
    assert dict(experiment.expect) == {
        "he": Expectation(final_train_loss="< 0.5", reached="all", faster_than="xavier", by=2.0),
        "normal[std=0.01]": Expectation(state="stalled", reached=0),
    }
    assert load_text(experiment.to_yaml(), "again.yaml", (), tmp_path).expect == experiment.expect


def test_expectations_do_not_change_what_is_trained(tmp_path: Path) -> None:
    plain, expecting = loaded("", tmp_path), loaded("expect: {he: {reached: all}}\n", tmp_path)
    assert plain == expecting.model_copy(update={"expect": ()})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("expect: all\n", "x.yaml:2: expect: found 'all', expected a mapping of schemes"),
        ("expect: {he: fast}\n", "expect.he: found 'fast', expected a mapping such as"),
        ("expect: {hee: {reached: all}}\n", "expect.hee: found 'hee', expected an init; did you mean he?"),
        ("expect: {lecun: {reached: all}}\n", "found 'lecun', expected one of the schemes in init; known: he, xavier"),
        ("expect: {he: {final_train_los: '< 1'}}\n", "expect.he.final_train_los: unknown option; did you mean"),
        ("expect: {he: {final_train_loss: 0.5}}\n", "found 0.5: a limit is a sign and a number, in quotes"),
        ("expect: {he: {final_train_loss: 'low'}}\n", "found 'low': a limit is a sign and a number"),
        ("expect: {he: {reached: some}}\n", "found 'some', expected all, most or none or an integer >= 0"),
        ("expect: {he: {state: fast}}\n", "found 'fast', expected converged, slow, stalled or diverged"),
        ("expect: {he: {by: 2}}\n", "found by without faster_than"),
        ("expect: {he: {faster_than: lecun}}\n", "expect.he.faster_than: found 'lecun', expected one of the schemes"),
        ("expect: {he: {reached: all}, kaiming: {reached: all}}\n", "he is expected something of twice"),
    ],
)
def test_expectations_that_cannot_be_meant_are_refused(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(text, tmp_path)
    assert message in str(caught.value)
