"""The inline grammar, and the scalars that it shares with YAML."""

from __future__ import annotations

from collections.abc import Callable
from types import NoneType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from initbench.component import inline
from initbench.config import CATALOGS, ConfigError, parse_components
from initbench.config.grammar import GrammarError, inline_components, inline_value, plain_scalar

reproducible = settings(derandomize=True, deadline=None)


def read(reader: Callable[[str], object], text: str) -> object:
    """What the reader returns, or the error that it raises."""
    try:
        return reader(text)
    except GrammarError as error:
        return error


INITS, NETWORKS = CATALOGS["init"], CATALOGS["network"]


@pytest.mark.parametrize(
    ("text", "labels"),
    {
        "he": ["he"],
        "kaiming": ["he"],
        "he_uniform": ["he[distribution=uniform]"],
        "he,xavier": ["he", "xavier"],
        " he , xavier ": ["he", "xavier"],
        "he[]": ["he"],
        "normal[std=0.01]": ["normal[std=0.01]"],
        "normal[std=1e-2]": ["normal[std=0.01]"],
        "normal[std=0.01,0.1]": ["normal[std=0.01]", "normal[std=0.1]"],
        "normal[std=0.01,0.1,mean=1,2],he": [
            "normal[std=0.01,mean=1.0]",
            "normal[std=0.01,mean=2.0]",
            "normal[std=0.1,mean=1.0]",
            "normal[std=0.1,mean=2.0]",
            "he",
        ],
        'he[ mode = "fan_out" ]': ["he[mode=fan_out]"],
    }.items(),
)
def test_inline_components_read_as_the_schemes_that_they_name(text: str, labels: list[str]) -> None:
    assert [component.label for component in parse_components(text, INITS)] == labels


def test_a_flat_list_is_the_value_of_a_sequence_option_and_a_list_of_lists_is_an_axis() -> None:
    widths = {
        text: [network.options()["hidden"] for network in parse_components(text, NETWORKS)]
        for text in ("mlp[hidden=[256,128]]", "mlp[hidden=256,128]", "mlp[hidden=[256,128],[64]]", "mlp[hidden=[]]")
    }
    assert list(widths.values()) == [[(256, 128)], [(256, 128)], [(256, 128), (64,)], [()]]


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "he,", "he]", "[std=1]", "normal[std", "normal[0.1]", "normal[std=1]x", "normal[std=1,std=2]"),
        *("he[name=x]", 'he[mode="fan_out]', "mlp[hidden=[1,[2,[3,[4]]]]]", "normal[=1]", "normal[std==1]"),
        'he[mode="\\q"]',
    ],
)
def test_text_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(GrammarError):
        inline_components(text)


def test_errors_of_the_command_line_name_the_kind_and_the_nearest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_components("hee", INITS)
    assert str(caught.value) == "init: found 'hee', expected an init; did you mean he?"


@pytest.mark.parametrize(
    ("text", "value"),
    {
        "1e-3": 0.001,
        "1e3": 1000,
        "1.5e3": 1500,
        "1E+2": 100,
        "1e30": 1e30,
        "30.0": 30.0,
        ".5": 0.5,
        "-7": -7,
        "007": 7,
        "1_000": "1_000",
        "0x10": "0x10",
        "12:30": "12:30",
        "yes": "yes",
        "no": "no",
        "on": "on",
        "off": "off",
        "y": "y",
        "2026-11-22": "2026-11-22",
        "true": True,
        "False": False,
        "null": None,
        "~": None,
        "none": "none",
        "9" * 50: "9" * 50,
    }.items(),
)
def test_scalars_follow_yaml_1_2_and_whole_exponents_are_integers(text: str, value: object) -> None:
    found = plain_scalar(text)
    assert (found, type(found)) == (value, type(value))


@reproducible
@given(st.text())
def test_any_text_is_read_or_refused_by_the_grammar(text: str) -> None:
    assert isinstance(read(inline_components, text), (list, GrammarError))
    assert isinstance(read(inline_value, text), (str, int, float, bool, list, NoneType, GrammarError))


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


@reproducible
@given(st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5))
def test_what_a_label_shows_reads_back_to_the_same_value(value: object) -> None:
    def as_lists(item: object) -> object:
        return list(map(as_lists, item)) if isinstance(item, tuple) else item

    found = read(inline_value, inline(value))
    assert found == as_lists(value) or (isinstance(found, GrammarError) and "nested too deep" in str(found))
