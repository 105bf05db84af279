"""The JSON Schema accepts every shipped config, refuses wrong ones, and knows every option of every component."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from initbench.config import CATALOGS, json_schema, load_text, shipped_configs, template
from initbench.config.reading import read_document

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)

COMPONENTS = [(kind, name) for kind, catalog in CATALOGS.items() for name in catalog.names]


def accepts(text: str) -> bool:
    return bool(VALIDATOR.is_valid(read_document(text, "x.yaml").value))


def mapping_of(kind: str, name: str) -> Any:
    choices = SCHEMA["definitions"][kind]["anyOf"]
    (found,) = [choice for choice in choices if choice.get("properties", {}).get("name") == {"const": name}]
    return found


def test_it_is_a_schema_and_plain_json() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA, allow_nan=False)) == SCHEMA


@pytest.mark.parametrize("name", [*shipped_configs(), "starter", "compare"])
def test_what_ships_is_accepted_as_written_and_as_resolved(name: str) -> None:
    text = shipped_configs()[name].read_text() if name in shipped_configs() else template(name)
    assert accepts(text)
    assert accepts(load_text(text, f"{name}.yaml").to_yaml())


@pytest.mark.parametrize(
    "text",
    [
        "init: he",
        "init: he,xavier",
        "init: [kaiming, 'normal[std=0.01,0.1]', {name: he, mode: [fan_in, fan_out]}]",
        "init: {name: kaiming_uniform, mode: fan_out}",
        "init: he\nnetwork: {name: mlp, hidden: [256, 128]}",
        "init: he\nnetwork: {name: mlp, hidden: [[256, 128], [64]]}",
        "init: he\noptimizer: {name: adam, betas: [0.9, 0.99]}",
        "init: he\nseeds: {init: 5, data: [1, 2]}\nprobe: [0, last]\nsteps: [10, 20]\ntarget: {value: 0.3}",
    ],
)
def test_every_way_of_saying_it_is_accepted(text: str) -> None:
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "seeds: 3",
        "init: []",
        "init: hee",
        "init: hee[mode=fan_in]",
        "init: {name: he, mod: fan_in}",
        "init: {name: he, mode: fan_inn}",
        "init: {name: normal}",
        "init: {name: he_uniform, distribution: normal}",
        "init: he\nnetwork: {depth: 3}",
        "init: he\nnetwork: {name: mlp, depth: -3}",
        "init: he\nnetwork: {name: mlp, depth: '3'}",
        "init: he\noptimizer: {name: adam, betas: [0.9, 1.5]}",
        "init: he\nnetwrok: mlp",
        "init: he\nepochs: 1\nsteps: 1",
        "init: he\nbatch_size: 0",
        "init: he\nseeds: 0",
        "init: he\nname: ../up",
        "init: he\nprobe: [0, lst]",
        "init: he\ntarget: {metric: accuracy, value: 0.9}",
    ],
)
def test_wrong_configs_are_refused(text: str) -> None:
    assert not accepts(text)


@pytest.mark.parametrize(("kind", "name"), COMPONENTS)
def test_every_option_of_every_component_is_offered_with_a_description(kind: str, name: str) -> None:
    cls, preset = CATALOGS[kind].resolve(name)
    offered = dict(mapping_of(kind, name)["properties"])
    assert offered.pop("name") == {"const": name}
    assert offered.keys() == cls.model_fields.keys() - preset.keys()
    described = {option for option, field in cls.model_fields.items() if field.description}
    assert all(offered[option]["description"] for option in described & offered.keys())


@pytest.mark.parametrize("kind", CATALOGS)
def test_every_name_has_its_summary_for_the_editor(kind: str) -> None:
    bare = {
        choice["const"]: choice["description"] for choice in SCHEMA["definitions"][kind]["anyOf"] if "const" in choice
    }
    assert bare == {name: CATALOGS[kind].resolve(name)[0].summary() for name in CATALOGS[kind].names}


def test_every_key_is_described() -> None:
    assert all(schema["description"] for schema in SCHEMA["properties"].values())
