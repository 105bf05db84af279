"""Lists as axes: from the raw value of a key to the tuple of checked values that the experiment sweeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from initbench.component import Catalog, Component, UnknownNameError, sequence_options
from initbench.config.expected import field_value, field_words, validated
from initbench.config.grammar import GrammarError, RawComponent, inline_components
from initbench.config.kinds import EXAMPLES
from initbench.config.problems import Key, Problems, dotted, nearest, shown

C = TypeVar("C", bound=Component)
V = TypeVar("V")

LONGEST_AXIS = 10_000


def component_axis(value: object, key: Key, catalog: Catalog[C], problems: Problems) -> tuple[C, ...]:
    """The components that a key names, in order; empty where a problem was found."""
    axis: _Axis[C] = _Axis(key, problems)
    for item_key, item in _items(value, key, _expected(catalog), problems):
        for raw in raw_components(item, item_key, catalog, problems):
            for component in _expanded(raw, item_key, catalog, problems):
                axis.add(component, component.label, item_key)
    return axis.values


def scalar_axis(value: object, model: type[BaseModel], key: Key, problems: Problems) -> tuple[Any, ...]:
    """The values of a field of ``model`` that can be swept; empty where a problem was found."""
    name = str(key[-1])
    axis: _Axis[Any] = _Axis(key, problems)
    for item_key, item in _items(value, key, field_words(model, name), problems):
        before = len(problems)
        checked = field_value(model, name, item, item_key, problems)
        if len(problems) == before:
            axis.add(checked, shown(checked), item_key)
    return axis.values


def raw_components(item: object, key: Key, catalog: Catalog[C], problems: Problems) -> list[RawComponent]:
    """The components of one item, a name, an inline text or a mapping, before validation."""
    if isinstance(item, str):
        try:
            return inline_components(item)
        except GrammarError as error:
            problems.add(key, str(error))
    elif isinstance(item, Mapping) and isinstance(item.get("name"), str):
        return [dict(item)]
    elif isinstance(item, Mapping) and "name" not in item:
        problems.add((*key, "name"), f"found none, expected {_expected(catalog)}")
    elif isinstance(item, Mapping):
        problems.unexpected((*key, "name"), item["name"], _expected(catalog))
    else:
        problems.unexpected(key, item, _expected(catalog))
    return []


class _Axis(Generic[V]):
    """Values in order, each once."""

    def __init__(self, key: Key, problems: Problems) -> None:
        self._key = key
        self._problems = problems
        self._keys: dict[V, Key] = {}

    @property
    def values(self) -> tuple[V, ...]:
        return tuple(self._keys)

    def add(self, value: V, label: str, key: Key) -> None:
        if value in self._keys:
            first = self._keys[value]
            where = f", first in {dotted(first)} ({self._problems.place(first)})" if first != key else ""
            self._problems.add(key, f"found {label} twice{where}; once is enough")
        elif len(self._keys) == LONGEST_AXIS:
            self._problems.add(self._key, f"found more than {LONGEST_AXIS} values, too many for one axis")
        else:
            self._keys[value] = key


def _items(value: object, key: Key, expected: str, problems: Problems) -> Iterator[tuple[Key, object]]:
    if not isinstance(value, list):
        yield key, value
    elif not value:
        problems.unexpected(key, value, f"{expected}, or a list of at least one")
    else:
        yield from (((*key, index), item) for index, item in enumerate(value))


def _expanded(raw: RawComponent, key: Key, catalog: Catalog[C], problems: Problems) -> Iterator[C]:
    """The components of one item: the product over its options that hold several values."""
    name = str(raw["name"])
    try:
        cls, preset = catalog.resolve(name)
    except UnknownNameError:
        problems.unexpected(key, name, _a(catalog.kind), nearest(name, catalog.names))
        return
    given = {option: value for option, value in raw.items() if option != "name"}
    for option in given.keys() & preset.keys():
        problems.add((*key, option), f"{name} already sets {option} to {preset[option]}; use {cls.component_name()}")
        return
    axes = [_option_axis(cls, option, value, key, problems) for option, value in given.items()]
    if prod(map(len, axes)) > LONGEST_AXIS:
        problems.add(key, f"the options multiply to more than {LONGEST_AXIS} components, too many for one axis")
        return
    for point in product(*axes):
        options = {option: value for (option, _), (_, value) in zip(given.items(), point, strict=True)}
        keys = {option: point_key for option, (point_key, _) in zip(given, point, strict=True)}
        component = validated(cls, {**preset, **options}, key, keys, problems)
        if component is not None:
            yield component


def _option_axis(
    cls: type[Component], option: str, value: object, key: Key, problems: Problems
) -> list[tuple[Key, object]]:
    here = (*key, option)
    if not isinstance(value, list):
        return [(here, value)]
    if option in sequence_options(cls) and not any(isinstance(item, list) for item in value):
        return [(here, value)]
    if not value:
        problems.unexpected(here, value, "at least one value")
    return [((*here, index), item) for index, item in enumerate(value)]


def _expected(catalog: Catalog[C]) -> str:
    return f"the name of {_a(catalog.kind)}, such as {EXAMPLES.get(catalog.kind, next(iter(catalog)))}"


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
