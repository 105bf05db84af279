"""The only YAML reader: text to plain values, each with the line that it was given on.

Scalars follow YAML 1.2 (see ``grammar``). No tag is honored, so no object can be built; files that would grow without
bound (aliases of aliases, deep nesting) are refused before they do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from initbench.config.grammar import HALF_CHARACTER, plain_scalar
from initbench.config.problems import ConfigError, Key, Place, dotted, fail

LARGEST_FILE = 256 * 1024
DEEPEST_NESTING = 20
MOST_VALUES = 50_000

_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}


@dataclass(frozen=True)
class Document:
    """A config as written: plain values, and the place of each key path."""

    origin: str
    value: dict[str, object]
    places: Mapping[Key, Place]


def read_text(path: Path) -> str:
    """The text of a config file.

    Raises
    ------
    ConfigError
        It cannot be read, is larger than 256 KiB, or is not UTF-8.
    """
    place = Place(0, str(path))
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise fail(place, f"cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise fail(place, f"larger than {LARGEST_FILE // 1024} KiB, which no config needs")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise fail(
            Place(line, str(path)), f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        ) from error


def read_document(text: str, origin: str) -> Document:
    """Parse YAML whose top is a mapping of names to values. Raises ConfigError."""
    if len(text) > LARGEST_FILE:
        raise fail(Place(0, origin), f"larger than {LARGEST_FILE // 1024} KiB, which no config needs")
    try:
        _refuse_what_grows(text, origin)
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise _syntax_error(error, origin) from error
    if root is None:
        raise fail(Place(1, origin), "the file is empty, expected at least 'init: he'")
    if not isinstance(root, yaml.MappingNode):
        found = "a list" if isinstance(root, yaml.SequenceNode) else f"the text {root.value[:40]!r}"
        raise fail(_place(root, origin), f"found {found}, expected 'key: value' lines such as 'init: he'")
    builder = _Builder(origin)
    value = builder.build(root, ())
    assert isinstance(value, dict)  # noqa: S101 - a mapping node gives a mapping
    return Document(origin, value, builder.places)


class _Builder:
    """Turns nodes into values and notes their places."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.places: dict[Key, Place] = {}

    def build(self, node: yaml.Node, key: Key) -> object:
        self.places.setdefault(key, _place(node, self.origin))
        if len(self.places) > MOST_VALUES or len(key) > DEEPEST_NESTING:
            raise fail(_place(node, self.origin), "too many values once its aliases are followed", dotted(key[:3]))
        if node.tag not in _PLAIN_TAGS:
            raise fail(_place(node, self.origin), f"found the tag {node.tag!r}, expected none", dotted(key))
        if isinstance(node, yaml.MappingNode):
            return dict(self._items(node, key))
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*key, index)) for index, item in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - there is no fourth kind
        self._refuse_half_characters(node, key)
        return plain_scalar(node.value) if node.style is None else node.value

    def _items(self, node: yaml.MappingNode, key: Key) -> Iterator[tuple[str, object]]:
        for name_node, value_node in node.value:
            place = _place(name_node, self.origin)
            if not isinstance(name_node, yaml.ScalarNode):
                raise fail(place, "found a list or mapping as a key, expected a name", dotted(key))
            self._refuse_half_characters(name_node, key)
            inner = (*key, name_node.value)
            if inner in self.places:
                raise fail(place, f"given twice, first on line {self.places[inner].line}", dotted(inner))
            self.places[inner] = place
            yield name_node.value, self.build(value_node, inner)

    def _refuse_half_characters(self, node: yaml.ScalarNode, key: Key) -> None:
        half = HALF_CHARACTER.search(node.value)
        if half:
            found = f"\\u{ord(half[0]):04x}"
            raise fail(_place(node, self.origin), f"found {found}, half of a character, which is no text", dotted(key))


def _place(node: yaml.Node, origin: str) -> Place:
    assert node.start_mark is not None  # noqa: S101 - composed nodes have marks
    return Place(node.start_mark.line + 1, origin)


def _refuse_what_grows(text: str, origin: str) -> None:
    """Check nesting on the parser's events, which come one by one, before a recursive composer sees the text."""
    loader = yaml.BaseLoader(text)
    depth = 0
    try:
        while loader.check_event():
            event = loader.get_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST_NESTING:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise fail(Place(line, origin), f"nested deeper than {DEEPEST_NESTING} levels")
    except (ValueError, OverflowError) as error:  # PyYAML converts numbers in directives and escapes unchecked
        place = Place(loader.get_mark().line + 1, origin)
        raise fail(place, "not valid YAML: found a number out of range in an escape or a directive") from error
    finally:
        loader.dispose()


def _syntax_error(error: yaml.YAMLError, origin: str) -> ConfigError:
    if not isinstance(error, yaml.MarkedYAMLError):
        reason = str(error).splitlines()[0]
        return fail(Place(0, origin), f"not valid YAML: {reason}")
    mark = error.problem_mark or error.context_mark
    place = Place(mark.line + 1, origin) if mark else Place(0, origin)
    column = f"column {mark.column + 1}: " if mark else ""
    problem = error.problem or error.context or "it cannot be parsed"
    if "'\\t'" in problem:
        hint = "; indent with spaces, not tabs"
    elif "got '['" in problem:
        hint = '; put inline options in quotes: "normal[std=0.01]"'
    elif "single document" in problem or "another document" in problem:
        hint = "; a config is one document"
    else:
        hint = ""
    return fail(place, f"{column}not valid YAML: {problem}{hint}")
