"""Validation in plain words: checks values with pydantic and says what was expected, as the schema has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from math import inf, isfinite
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from initbench.config.problems import Key, Problems, nearest, shown

Schema = Mapping[str, Any]
M = TypeVar("M", bound=BaseModel)

_CUSTOM_ERRORS = {"value_error": "Value error, ", "assertion_error": "Assertion failed, "}
_BOUNDS = {  # the sign, and for a strict bound its form in integers
    "minimum": (">=", ""),
    "exclusiveMinimum": (">", ">="),
    "maximum": ("<=", ""),
    "exclusiveMaximum": ("<", "<="),
}
ALIKE = 0.7  # of two options, by the share of their letters: width is no misspelled depth
_LARGE = 2**53  # bounds beyond it are those of the storage, and nobody's concern
_PLAIN_TYPES = {"string": "text", "boolean": "true or false", "null": "null"}


def validated(
    model: type[M], options: Mapping[str, object], key: Key, keys: Mapping[str, Key], problems: Problems
) -> M | None:
    """An instance of ``model``, or None and the problems found.

    ``key`` is the path of the whole; ``keys`` gives those of its options.
    """
    try:
        return model.model_validate({name: as_tuples(value) for name, value in options.items()})
    except ValidationError as error:
        for details in error.errors(include_url=False):
            name = str(details["loc"][0]) if details["loc"] else ""
            own = (*key, name) if name else key
            if details["type"] != "extra_forbidden":  # which is unknown whatever its value
                own = keys.get(name, own)
            _note(details, model, options, own, problems)
        return None


def field_value(model: type[BaseModel], name: str, value: object, key: Key, problems: Problems) -> Any:
    """``value`` checked against one field of ``model``, or None and the problem found."""
    try:
        return _field_adapter(model, name).validate_python(as_tuples(value))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] in _CUSTOM_ERRORS:
            problems.add(key, f"found {shown(value)}: {_custom_text(first)}")
            return None
        schema = _field_schema(model, name)
        words = describe(schema)
        if isinstance(value, float) and not isfinite(value):
            words = words.replace("a number", "a finite number")
        hint = nearest(value, choices(schema), otherwise=False) if isinstance(value, str) else ""
        problems.unexpected(key, value, words, hint)
        return None


def field_words(model: type[BaseModel], name: str) -> str:
    """What a field of ``model`` expects, in words."""
    return describe(_field_schema(model, name))


def as_tuples(value: object) -> object:
    """Lists as tuples, which is how options hold sequences."""
    return tuple(map(as_tuples, value)) if isinstance(value, (list, tuple)) else value


def describe(schema: Schema, plural: bool = False) -> str:
    """What a JSON Schema expects, in words: ``an integer >= 1``."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(describe(choice, plural) for choice in schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        names = [str(name) for name in schema.get("enum", [schema.get("const")])]
        return " or ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    kind = schema.get("type")
    if kind in ("integer", "number"):
        bounds = " and ".join(_bounds(schema, kind))
        noun = f"{kind}s" if plural else f"{'an' if kind == 'integer' else 'a'} {kind}"
        return f"{noun} {bounds}".strip()
    if kind == "object":
        return f"a mapping with {' and '.join(schema.get('properties', {}))}"
    if "prefixItems" in schema:
        return f"a list [{', '.join(map(describe, schema['prefixItems']))}]"
    if kind == "array":
        return f"a list of {describe(schema.get('items', {}), plural=True)}"
    return _PLAIN_TYPES.get(str(kind), "another value")


def _bounds(schema: Schema, kind: str) -> Iterator[str]:
    for keyword, (sign, inclusive) in _BOUNDS.items():
        bound = schema.get(keyword, inf)
        if abs(bound) >= _LARGE:
            continue
        if kind == "integer" and inclusive:
            yield f"{inclusive} {bound + (1 if sign == '>' else -1)}"
        else:
            yield f"{sign} {bound:.15g}"


def choices(schema: Schema) -> list[str]:
    """The words that a schema accepts."""
    inner = [name for choice in schema.get("anyOf", ()) for name in choices(choice)]
    own = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return inner + [name for name in own if isinstance(name, str)]


def _note(
    details: ErrorDetails, model: type[BaseModel], options: Mapping[str, object], key: Key, problems: Problems
) -> None:
    name = str(details["loc"][0]) if details["loc"] else ""
    if details["type"] == "extra_forbidden":
        hint = nearest(name, model.model_fields, cutoff=ALIKE) or "there are none"
        problems.add(key, f"unknown option; {hint}")
    elif details["type"] == "missing":
        problems.add(key, f"found nothing, expected {field_words(model, name)}")
    elif details["type"] in _CUSTOM_ERRORS:
        text = _custom_text(details)
        problems.add(key, f"found {shown(options.get(name))}: {text}" if name else text)
    else:
        field_value(model, name, options.get(name), key, problems)


def _custom_text(details: ErrorDetails) -> str:
    """What a validator written for a field says."""
    return " ".join(details["msg"].removeprefix(_CUSTOM_ERRORS[details["type"]]).split())


@cache
def _field_adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    kind: Any = field.annotation
    for constraint in field.metadata:
        kind = Annotated[kind, constraint]
    return TypeAdapter(kind, config=ConfigDict(strict=True, allow_inf_nan=False))


@cache
def _field_schema(model: type[BaseModel], name: str) -> Schema:
    schema: Schema = model.model_json_schema()
    found: Schema = resolved(schema["properties"][name], schema)
    return found


def resolved(schema: Any, root: Schema) -> Any:
    """A JSON Schema with references to the definitions of ``root`` replaced by what they name."""
    if isinstance(schema, list):
        return [resolved(item, root) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return resolved(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    return {key: resolved(value, root) for key, value in schema.items()}
