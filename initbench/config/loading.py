"""Load an experiment: read the text, check every key, check that the parts fit, and only then return a value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from initbench.component import Catalog, Component
from initbench.config import checks, limits
from initbench.config.axes import component_axis, scalar_axis
from initbench.config.expected import field_value, validated
from initbench.config.expecting import expectations
from initbench.config.fit import check_inits
from initbench.config.kinds import CATALOGS, DEFAULTS
from initbench.config.overrides import overridden
from initbench.config.problems import Key, Place, Problems, fail, nearest
from initbench.config.rates import with_grid
from initbench.config.reading import Document, read_document, read_text
from initbench.config.shipped import locate
from initbench.config.values import SCALARS, CrossedSeeds, Experiment, Observation, Recipe, Repetition, Target
from initbench.datasets import Dataset, DatasetError, Spec, data_folder

DEFAULT_EPOCHS = 5
LENGTHS = ("epochs", "steps")

KEYS = (
    *("name", *Experiment.components, *SCALARS, "device"),
    *("seeds", "data_seed", "eval_every", "log_every", "probe", "target", "expect"),
)


def load(source: str | Path, overrides: Sequence[str] = (), data_dir: Path | None = None) -> Experiment:
    """Load a config file, or a shipped config by its bare name.

    Raises
    ------
    ConfigError
        The file cannot be read, or something in it cannot be used: every problem with file, line and key path.
    """
    path = locate(source)
    return load_text(read_text(path), str(path), overrides, data_dir)


def load_text(
    text: str, origin: str = "config.yaml", overrides: Sequence[str] = (), data_dir: Path | None = None
) -> Experiment:
    """Load a config from its text. ``origin`` is how messages call it. Raises ConfigError."""
    document = overridden(read_document(text, origin), overrides)
    try:
        folder = data_folder(data_dir)
    except DatasetError as error:
        raise fail(Place(0, "--data-dir"), str(error)) from error
    return _Check(document, folder).experiment()


def parse_components(text: str, catalog: Catalog[Any]) -> tuple[Component, ...]:
    """Components written inline, as on the command line: ``he``, ``normal[std=0.01,0.1]``. Raises ConfigError."""
    problems = Problems("", {})
    found = component_axis(text, (catalog.kind,), catalog, problems)
    problems.stop_if_any()
    return found


class _Check:
    """One pass over a document. Problems are collected, so that all of them are told at once."""

    def __init__(self, document: Document, data_dir: Path) -> None:
        self.raw = document.value
        self.origin = document.origin
        self.data_dir = data_dir
        self.problems = Problems(document.origin, document.places)

    def experiment(self) -> Experiment:
        """The experiment, or a ConfigError with everything that is wrong."""
        for key in self.raw:
            if key not in KEYS:
                self.problems.add((key,), f"unknown key; {nearest(key, KEYS)}")
        optimizer, searches_rate = with_grid(self.raw.get("optimizer"), self.problems)
        if "optimizer" in self.raw:
            self.raw = {**self.raw, "optimizer": optimizer}
        fields = {
            **{kind: self._components(kind) for kind in CATALOGS},
            "searches_rate": searches_rate,
            **{name: self._scalars(name) for name in SCALARS if name not in LENGTHS},
            **self._lengths(),
            **self._seeds(),
            "name": self._name(),
            "device": self._field(Experiment, "device"),
        }
        looks = {key: self._field(Observation, key) for key in Observation.model_fields}
        specs = checks.specs_of(fields["dataset"], self.data_dir, self.problems)
        target = self._target(specs)
        fields["expect"] = expectations(self.raw.get("expect"), fields["init"], self.problems)
        checks.check_batches(specs, fields["batch_size"], self.problems)
        checks.check_normalization(fields["network"], fields["batch_size"], self.problems)
        checks.check_data(specs, self.problems)
        checks.check_networks(specs, fields["network"], fields["activation"], fields["batch_size"], self.problems)
        self.problems.stop_if_any()
        check_inits(specs, fields["network"], fields["activation"], fields["init"], self.problems)
        self.problems.stop_if_any()
        assert target is not None  # noqa: S101 - it lacks only where there was a problem
        return Experiment(**fields, observation=Observation(**looks), target=target)

    def _components(self, kind: str) -> tuple[Any, ...]:
        if kind not in self.raw and kind not in DEFAULTS:
            example = f"such as '{kind}: [he, xavier]'"
            self.problems.add((kind,), f"found nothing, expected the schemes to compare, {example}")
            return ()
        return component_axis(self.raw.get(kind, DEFAULTS.get(kind)), (kind,), CATALOGS[kind], self.problems)

    def _scalars(self, name: str) -> tuple[Any, ...]:
        if name not in self.raw:
            return (Recipe.model_fields[name].get_default(),)
        return scalar_axis(self.raw[name], Recipe, (name,), self.problems)

    def _field(self, model: type[BaseModel], name: str) -> Any:
        if name not in self.raw:
            return model.model_fields[name].get_default()
        return field_value(model, name, self.raw[name], (name,), self.problems)

    def _name(self) -> str:
        if "name" in self.raw:
            return str(self._field(Experiment, "name"))
        stem = Path(self.origin).stem
        return str(field_value(Experiment, "name", stem, ("name",), self.problems))

    def _lengths(self) -> dict[str, tuple[int, ...] | None]:
        """Epochs or steps: the one that is given; epochs where none is."""
        given = [name for name in LENGTHS if self.raw.get(name) is not None]
        if len(given) == len(LENGTHS):
            where = self.problems.place(("epochs",))
            self.problems.add(("steps",), f"found steps beside epochs ({where}), expected one of them")
        lengths = {name: self._scalars(name) if name in given else None for name in LENGTHS}
        for name in given:
            if None in (lengths[name] or ()):
                self.problems.unexpected((name,), None, "an integer >= 1 in a list")
        return lengths if given else {**lengths, "epochs": (DEFAULT_EPOCHS,)}

    def _seeds(self) -> dict[str, tuple[int, ...] | None]:
        data_seed = self._field(Repetition, "data_seed")
        written = self.raw.get("seeds")
        if not isinstance(written, dict):
            seeds = self._field(Repetition, "seeds")
            data = None if data_seed is None else (data_seed,)
            return {"seeds": self._listed(seeds, ("seeds",)), "data_seed": data}
        if data_seed is not None:
            where = self.problems.place(("seeds",))
            self.problems.add(("data_seed",), f"found {data_seed} beside crossed seeds ({where}), expected one of them")
        crossed = validated(CrossedSeeds, written, ("seeds",), {}, self.problems)
        if crossed is None:
            return {"seeds": (), "data_seed": None}
        return {
            "seeds": self._listed(crossed.init, ("seeds", "init")),
            "data_seed": self._listed(crossed.data, ("seeds", "data")),
        }

    def _listed(self, seeds: int | tuple[int, ...] | None, key: Key) -> tuple[int, ...]:
        """A count n as the seeds 0 to n - 1."""
        if isinstance(seeds, tuple) and len(set(seeds)) < len(seeds):
            twice = Counter(seeds).most_common(1)[0][0]
            self.problems.add(key, f"found the seed {twice} twice; once is enough")
        if isinstance(seeds, int):
            within = limits.check_seeds(seeds, key, self.problems)
            return tuple(range(seeds)) if within else ()
        return seeds or ()

    def _target(self, specs: Mapping[Dataset, Spec]) -> Target | None:
        """The target as given; what it leaves open suits the (first) dataset."""
        written = {} if self.raw.get("target") is None else self.raw["target"]
        if not isinstance(written, dict):
            self.problems.unexpected(("target",), written, "a mapping with metric and value")
            return None
        options = {"metric": "train_loss", **written}
        if options["metric"] == "train_loss" and specs:
            options = {"value": next(iter(specs.values())).target_loss, **options}
        target = validated(Target, options, ("target",), {}, self.problems) if specs or "value" in options else None
        if target is not None:
            checks.check_target(target, specs, self.problems)
        return target
