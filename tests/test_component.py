"""Components and catalogs: names, labels, aliases, and what a package must hold."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import ValidationError

from initbench.component import Catalog, Component, UnknownNameError, catalog, module_doc, sequence_options

PLAIN = '''"""The idea in a sentence.

The citation.
"""
from typing import ClassVar
from initbench.component import Component

class {name}(Component):
    aliases: ClassVar = {{"other_{alias}": {{"size": 3}}}}
    size: int = 1
    rate: float = 0.5
    hidden: tuple[int, ...] = ()
    flag: bool | None = None
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """An importable package of two components and a private module."""
    folder = tmp_path / "sample_parts"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "_base.py").write_text("hidden = True\n")
    (folder / "second.py").write_text(PLAIN.format(name="Second", alias="second"))
    (folder / "first.py").write_text(PLAIN.format(name="First", alias="first"))
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("sample_parts")
    for name in [name for name in sys.modules if name.startswith("sample_parts")]:
        del sys.modules[name]


def test_a_catalog_finds_the_public_modules_in_alphabetical_order(package: ModuleType) -> None:
    found = catalog(package, Component)
    assert list(found) == ["first", "second"]
    assert found["first"].__name__ == "First"
    assert len(found) == 2
    assert found.names == ("first", "second", "other_first", "other_second")


def test_a_new_file_is_a_new_component(package: ModuleType) -> None:
    (Path(package.__path__[0]) / "third.py").write_text(PLAIN.format(name="Third", alias="third"))
    assert "third" in catalog(package, Component)


def test_an_alias_resolves_to_its_class_and_options(package: ModuleType) -> None:
    found = catalog(package, Component)
    cls, preset = found.resolve("other_first")
    assert (cls, dict(preset)) == (found["first"], {"size": 3})
    assert found.resolve("first") == (found["first"], {})


def test_an_unknown_name_is_answered_with_the_nearest(package: ModuleType) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown component 'frist'; did you mean first") as caught:
        catalog(package, Component).resolve("frist")
    assert caught.value.suggestions[0] == "first"


def test_a_name_near_to_nothing_is_answered_with_all(package: ModuleType) -> None:
    with pytest.raises(UnknownNameError, match="known: first, other_first, other_second, second"):
        catalog(package, Component).resolve("zzzzz")


@pytest.mark.parametrize("body", ["", PLAIN.format(name="A", alias="a") + "class B(A):\n    pass\n"])
def test_a_module_without_exactly_one_component_is_refused(package: ModuleType, body: str) -> None:
    (Path(package.__path__[0]) / "bad.py").write_text(body)
    with pytest.raises(TypeError, match=r"sample_parts.bad must define exactly one public Component, found [02]"):
        catalog(package, Component)


def test_an_alias_that_is_taken_is_refused(package: ModuleType) -> None:
    (Path(package.__path__[0]) / "bad.py").write_text(PLAIN.format(name="Bad", alias="first"))
    with pytest.raises(TypeError, match="the alias 'other_first' is taken"):
        catalog(package, Component)


def test_a_catalog_cannot_be_written(package: ModuleType) -> None:
    found = catalog(package, Component)
    with pytest.raises(TypeError, match="does not support item assignment"):
        found["first"] = Component


def test_the_label_names_what_is_off_its_default(package: ModuleType) -> None:
    first = catalog(package, Component)["first"]
    assert first().label == "first"
    assert first(rate=0.25, size=1).label == "first[rate=0.25]"
    assert first(hidden=(2, 3), flag=True).label == "first[hidden=[2,3],flag=true]"


def test_the_dump_tells_components_with_equal_options_apart(package: ModuleType) -> None:
    found = catalog(package, Component)
    assert found["first"]().dump() == {"name": "first", "size": 1, "rate": 0.5, "hidden": [], "flag": None}
    assert found["first"]().dump() != found["second"]().dump()


def test_the_summary_is_the_first_line_of_the_module(package: ModuleType) -> None:
    first = catalog(package, Component)["first"]
    assert first.summary() == "The idea in a sentence."
    assert module_doc(first).endswith("The citation.")


def test_sequence_options_are_those_typed_as_tuples(package: ModuleType) -> None:
    assert sequence_options(catalog(package, Component)["first"]) == {"hidden"}


@pytest.mark.parametrize(
    "options",
    [{"size": "1"}, {"size": 1.5}, {"rate": "0.1"}, {"rate": float("nan")}, {"rate": float("inf")}, {"typo": 1}],
)
def test_options_are_checked_strictly(package: ModuleType, options: dict) -> None:
    first = catalog(package, Component)["first"]
    with pytest.raises(ValidationError, match=next(iter(options))):
        first(**options)


def test_a_component_is_frozen(package: ModuleType) -> None:
    first = catalog(package, Component)["first"]()
    with pytest.raises(ValidationError, match="frozen"):
        first.size = 2


def test_equal_components_have_equal_hashes(package: ModuleType) -> None:
    first = catalog(package, Component)["first"]
    assert {first(size=2), first(size=2)} == {first(size=2)}


def test_catalogs_know_their_kind(package: ModuleType) -> None:
    assert isinstance(catalog(package, Component), Catalog)
    assert catalog(package, Component).kind == "component"
