"""YAML to a validated experiment: the schema, and the only YAML reader."""

from initbench.config.fit import concerns
from initbench.config.kinds import CATALOGS, DEFAULTS
from initbench.config.loading import load, load_text, parse_components
from initbench.config.problems import ConfigError, Problem
from initbench.config.schema import json_schema
from initbench.config.shipped import shipped_configs, template
from initbench.config.values import SCALARS, Experiment, Observation, Recipe, Target

__all__ = [
    "CATALOGS",
    "DEFAULTS",
    "SCALARS",
    "ConfigError",
    "Experiment",
    "Observation",
    "Problem",
    "Recipe",
    "Target",
    "concerns",
    "json_schema",
    "load",
    "load_text",
    "parse_components",
    "shipped_configs",
    "template",
]
