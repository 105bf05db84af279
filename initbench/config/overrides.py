"""``--set key=value``: overrides written on the command line, applied to a document before it is checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from initbench.component import Catalog
from initbench.config.axes import raw_components
from initbench.config.grammar import HALF_CHARACTER, GrammarError, Value, inline_components, inline_value
from initbench.config.kinds import CATALOGS, DEFAULTS
from initbench.config.problems import Key, Place, Problems, fail
from initbench.config.reading import Document

DEEPEST_KEY = 3
RIVALS = {"epochs": "steps", "steps": "epochs"}


def overridden(document: Document, overrides: Sequence[str]) -> Document:
    """The document with ``overrides`` (such as ``network.depth=10,20``) in force, the last one last.

    For a key that names components, ``key.option=value`` sets the option of each one listed, or of the default where
    the key is absent. Epochs replace the steps of the file, and the other way round. Raises ConfigError.
    """
    value, places = dict(document.value), dict(document.places)
    for override in overrides:
        place = Place(0, f"--set {override}")
        name, equals, text = override.partition("=")
        key: Key = tuple(part.strip() for part in name.split("."))
        if HALF_CHARACTER.search(name):
            raise fail(place, "found half of a character, which is no text")
        if not equals or not all(key) or len(key) > DEEPEST_KEY:
            raise fail(place, "expected key=value, such as network.depth=10,20")
        top = str(key[0])
        changed: list[Key] = [key]
        try:
            if len(key) == 1:
                value[top] = _whole(text, top in CATALOGS)
            elif top in CATALOGS:
                named = value.get(top, DEFAULTS.get(top))
                value[top], changed = _with_option(named, key, inline_value(text), CATALOGS[top])
            else:
                value[top] = _nested(value.get(top), key, inline_value(text))
        except GrammarError as error:
            raise fail(place, str(error), name) from error
        rival = RIVALS.get(top)
        if rival and (rival,) in places and places[(rival,)].line:
            value.pop(rival, None)
        replaced = frozenset(changed)  # all of them have one length
        depth = max(map(len, changed), default=0)
        places = {known: at for known, at in places.items() if known[:depth] not in replaced}
        around = [part[:length] for part in changed for length in range(1, len(part))]
        places |= dict.fromkeys([part for part in around if part not in places], place)  # which it brings about
        places |= dict.fromkeys(changed, place)
    return replace(document, value=value, places=places)


def _whole(text: str, is_component: bool) -> object:
    if not is_component:
        return inline_value(text)
    inner = text.strip()
    if inner.startswith("[") and inner.endswith("]"):  # as one would write the list in YAML
        inner = inner[1:-1]
    found = inline_components(inner)
    return found[0] if len(found) == 1 else found


def _with_option(named: object, key: Key, option: Value, catalog: Catalog[Any]) -> tuple[object, list[Key]]:
    """What a key names, with an option of each of its components set; and the paths that changed."""
    top, name = str(key[0]), str(key[1])
    if len(key) > 2 or name == "name":
        raise GrammarError(f"expected {top}.option=value, or {top}=name")
    ignored = Problems.unheard()  # what is no component stays as it is, and is reported with the rest of the document
    listed = named if isinstance(named, list) else [named]
    items: list[object] = []
    for item in listed:
        items += raw_components(item, (top,), catalog, ignored) or [item]
    items = [_set(item, name, option) for item in items]
    if len(items) == 1 and not isinstance(named, list):
        return items[0], [(top, name)]
    return items, [(top, index, name) for index in range(len(items))]


def _set(item: object, name: str, option: Value) -> object:
    return {**item, name: option} if isinstance(item, dict) else item


def _nested(value: object, key: Key, new: Value) -> object:
    """A mapping with the value at ``key[1:]`` replaced."""
    if len(key) == 1:
        return new
    inner = value if isinstance(value, dict) else {}
    name = str(key[1])
    return {**inner, name: _nested(inner.get(name), key[1:], new)}
