"""Write plain values as YAML that ``reading`` reads back to the same values."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from initbench.config.grammar import plain_scalar


class _Dumper(yaml.SafeDumper):
    """A dumper that quotes by the rules of YAML 1.2, as well as by PyYAML's own."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if plain_scalar(text) == text else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(values: Mapping[str, object]) -> str:
    """A mapping as YAML, its keys in order, the innermost lists and mappings on one line each."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110)
