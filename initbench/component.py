"""Components and their catalogs: the whole plugin system.

A component is one file. The module's name is its name in YAML, its one public class is a frozen pydantic model whose
fields are its options, and everything else (validation, suggestions, listings, table columns, documentation) is read
off that class. ``catalog(package, Base)`` finds the files; a new file is a new component.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.fields import FieldInfo

_PLAIN = re.compile(r"[A-Za-z_/](?:[\w./ -]*[\w./-])?", re.ASCII)
_RESERVED = frozenset({"true", "false", "null"})


class Component(BaseModel):
    """A named choice with options: an init scheme, an activation, a network, a dataset, an optimizer, a schedule."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    aliases: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Other names in YAML, each with the options that it sets: ``{"kaiming": {}, "he_uniform": {...}}``."""

    @classmethod
    def component_name(cls) -> str:
        """The name in YAML: that of the module which defines the class."""
        return cls.__module__.rpartition(".")[2]

    @classmethod
    def summary(cls) -> str:
        """The first line of the module's docstring: one sentence for listings."""
        return module_doc(cls).partition("\n")[0].strip()

    @property
    def label(self) -> str:
        """The inline form that parses back to this component: the name and the options off their defaults.

        >>> Normal(std=0.01).label
        'normal[std=0.01]'
        """
        changed = {
            key: value
            for key, value in self.options().items()
            if type(self).model_fields[key].is_required() or value != type(self).model_fields[key].get_default()
        }
        inner = ",".join(f"{key}={inline(value)}" for key, value in changed.items())
        return f"{self.component_name()}[{inner}]" if inner else self.component_name()

    def options(self) -> dict[str, Any]:
        """Every option with its value, in the order of declaration."""
        return {key: getattr(self, key) for key in type(self).model_fields}

    def dump(self) -> dict[str, Any]:
        """The component as plain data, its name first, so that two schemes with equal options differ."""
        return {"name": self.component_name(), **self.model_dump(mode="json")}


C = TypeVar("C", bound=Component)


class UnknownNameError(ValueError):
    """A name that a catalog does not hold; the message offers the nearest ones."""

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        self.suggestions = get_close_matches(name.lower(), known, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(self.suggestions)}?" if self.suggestions else f"known: {', '.join(known)}"
        super().__init__(f"unknown {kind} '{name}'; {hint}")


class Catalog(Mapping[str, type[C]], Generic[C]):
    """The components of one kind by name. Read-only; iteration is alphabetical and leaves aliases out."""

    def __init__(self, kind: str, classes: Mapping[str, type[C]]) -> None:
        self.kind = kind
        self._classes = dict(sorted(classes.items()))
        self._aliases: dict[str, tuple[type[C], Mapping[str, Any]]] = {}
        for name, cls in self._classes.items():
            for alias, preset in cls.aliases.items():
                if alias in self._classes or alias in self._aliases:
                    raise TypeError(f"{kind} '{name}': the alias '{alias}' is taken")
                self._aliases[alias] = (cls, preset)

    def __getitem__(self, name: str) -> type[C]:
        return self._classes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._classes)

    def __len__(self) -> int:
        return len(self._classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Every accepted name, aliases included."""
        return (*self._classes, *self._aliases)

    def resolve(self, name: str) -> tuple[type[C], Mapping[str, Any]]:
        """The class behind a name or alias, with the options that the alias sets.

        Raises
        ------
        UnknownNameError
            The catalog holds no such name.
        """
        if name in self._classes:
            return self._classes[name], {}
        if name in self._aliases:
            return self._aliases[name]
        raise UnknownNameError(self.kind, name, sorted(self.names))


def catalog(package: ModuleType, base: type[C]) -> Catalog[C]:
    """Collect the components of ``package``: one public subclass of ``base`` for each module without a leading ``_``.

    Modules that other distributions register under the entry point group of the package's name (for instance
    ``initbench.inits``) join them under the same rules.
    """
    modules = [
        importlib.import_module(f"{package.__name__}.{info.name}")
        for info in pkgutil.iter_modules(package.__path__)
        if not info.name.startswith("_")
    ]
    modules += [point.load() for point in entry_points(group=package.__name__)]
    classes = {module.__name__.rpartition(".")[2]: _only_component(module, base) for module in modules}
    return Catalog(base.__name__.lower(), classes)


def sequence_options(cls: type[Component]) -> frozenset[str]:
    """The options whose value is itself a sequence: for these a flat list is the value, and a list of lists an axis."""
    return frozenset(key for key, field in cls.model_fields.items() if _admits_sequence(field))


def module_doc(cls: type[Component]) -> str:
    """The docstring of the module that defines a component: its idea, derivation and citation."""
    return inspect.getdoc(importlib.import_module(cls.__module__)) or ""


def inline(value: object) -> str:
    """The value of an option as the inline grammar reads it back: ``0.01``, ``[256,128]``, ``"a, b"``."""
    if isinstance(value, tuple):
        return "[" + ",".join(map(inline, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
        return value
    return json.dumps(value, default=str)


def _only_component(module: ModuleType, base: type[C]) -> type[C]:
    found = [
        cls
        for name, cls in vars(module).items()
        if isinstance(cls, type) and issubclass(cls, base) and cls.__module__ == module.__name__ and name[0] != "_"
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must define exactly one public {base.__name__}, found {len(found)}")
    return found[0]


def _admits_sequence(field: FieldInfo) -> bool:
    return any(typing.get_origin(kind) is tuple for kind in (field.annotation, *typing.get_args(field.annotation)))
