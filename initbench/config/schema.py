"""The JSON Schema of a config: what an editor needs to complete and check one as it is typed.

Everything in it is read off the components and the values, so a new component file is known to editors at once. What
takes more than one key to see (a target that a dataset has no metric for) is left to ``load``. The dialect is draft 7,
which the YAML language server speaks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from initbench.component import Catalog, Component
from initbench.config.expected import resolved
from initbench.config.kinds import CATALOGS, DEFAULTS
from initbench.config.loading import DEFAULT_EPOCHS, KEYS
from initbench.config.rates import AUTO
from initbench.config.values import SCALARS, Experiment, Observation, Recipe, Repetition, Target
from initbench.expectation import Expectation
from initbench.optimizers import Optimizer

Schema = dict[str, Any]

DIALECT = "http://json-schema.org/draft-07/schema#"


def json_schema() -> Schema:
    """The schema of a config file, as plain data."""
    keys = {
        "name": _properties(Experiment)["name"],
        **{kind: _component_key(kind) for kind in CATALOGS},
        **{name: _swept(_properties(Recipe)[name]) for name in SCALARS},
        "device": _properties(Experiment)["device"],
        **_properties(Repetition),
        **_properties(Observation),
        "target": _target(),
        "expect": _expect(),
    }
    keys["epochs"]["default"] = DEFAULT_EPOCHS
    return {
        "$schema": DIALECT,
        "title": "initbench experiment",
        "description": "Which weight initialization should a network start from? Lists are axes of a sweep.",
        "type": "object",
        "properties": {key: keys[key] for key in KEYS},
        "required": [kind for kind in CATALOGS if kind not in DEFAULTS],
        "not": {"required": ["epochs", "steps"]},
        "additionalProperties": False,
        "definitions": {kind: _component(catalog) for kind, catalog in CATALOGS.items()},
    }


def _component_key(kind: str) -> Schema:
    one = {"$ref": f"#/definitions/{kind}"}
    schema: Schema = {"description": Experiment.model_fields[kind].description, **_one_or_many(one)}
    return {**schema, "default": DEFAULTS[kind]} if kind in DEFAULTS else schema


def _component(catalog: Catalog[Any]) -> Schema:
    """One component: its bare name, its inline form, or a mapping with its options."""
    names = "|".join(map(re.escape, catalog.names))
    bare = [{"const": name, "description": catalog.resolve(name)[0].summary()} for name in catalog.names]
    inline: Schema = {
        "type": "string",
        "pattern": rf"^\s*({names})\s*(\[.*\]\s*)?(,\s*({names})\s*(\[.*\]\s*)?)*$",
        "description": "inline, for instance normal[std=0.01,0.1]",
    }
    mappings = [_mapping(name, *catalog.resolve(name)) for name in catalog.names]
    return {"anyOf": [*bare, inline, *mappings]}


def _mapping(name: str, cls: type[Component], preset: Mapping[str, Any]) -> Schema:
    options = {option: _swept(schema) for option, schema in _properties(cls).items() if option not in preset}
    required = [option for option, field in cls.model_fields.items() if field.is_required() and option in options]
    if issubclass(cls, Optimizer):
        options["lr"]["anyOf"].append({"const": AUTO, "description": "search each scheme's best rate"})
    return {
        "type": "object",
        "description": cls.summary(),
        "properties": {"name": {"const": name}, **options},
        "required": ["name", *required],
        "additionalProperties": False,
    }


def _target() -> Schema:
    schema: Schema = _plain(resolved(Target.model_json_schema(), {}))
    schema.pop("required")
    schema["properties"]["metric"]["default"] = "train_loss"
    return schema


def _expect() -> Schema:
    one = {"type": "object", "properties": _properties(Expectation), "additionalProperties": False, "minProperties": 1}
    about = Experiment.model_fields["expect"].description
    return {"description": about, "type": "object", "additionalProperties": one, "minProperties": 1}


def _swept(schema: Schema) -> Schema:
    """A value, or a list of values as an axis; what documents the value stays outside."""
    about: Schema = {key: schema[key] for key in ("description", "default") if key in schema}
    return {**about, **_one_or_many({key: value for key, value in schema.items() if key not in about})}


def _one_or_many(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1, "uniqueItems": True}]}


def _properties(model: type[BaseModel]) -> dict[str, Schema]:
    """The fields of a model with their descriptions; those that only a class can check (components) are left out."""
    schema = model.model_json_schema()
    plain: dict[str, Schema] = _plain(resolved(schema.get("properties", {}), schema))
    return plain


def _plain(schema: Any) -> Any:
    """Without the titles that pydantic makes up from the names, and with tuples as draft 7 spells them."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _plain(value) for key, value in schema.items() if key != "title" or not isinstance(value, str)}
    return {"items" if key == "prefixItems" else key: value for key, value in kept.items()}
