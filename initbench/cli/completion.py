"""Names for the shell to complete, found by their files: quick, since no component is imported."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).parent.parent
KINDS = ("inits", "activations", "networks", "datasets", "optimizers", "schedules")


def listable(incomplete: str) -> list[str]:
    """What ``initbench list`` lists."""
    return _starting(incomplete, [*KINDS, "configs"])


def schemes(incomplete: str) -> list[str]:
    """Names of initialization schemes."""
    return _starting(incomplete, _modules("inits"))


def components(incomplete: str) -> list[str]:
    """Names of components of any kind."""
    return _starting(incomplete, [name for kind in KINDS for name in _modules(kind)])


def trackers(incomplete: str) -> list[str]:
    """What results are exported to."""
    return _starting(incomplete, _modules("export"))


def configs(incomplete: str) -> list[str]:
    """Shipped configs, and YAML files and folders on the way to them."""
    shipped = [file.stem for place in (PACKAGE, PACKAGE.parent) for file in place.glob("configs/*.yaml")]
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    files = [f"{path}/" for path in _inside(folder) if path.is_dir()]
    files += [str(path) for path in _inside(folder) if path.suffix in {".yaml", ".yml"}]
    return _starting(incomplete, [*shipped, *files])


def _inside(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if not path.name.startswith(".")] if folder.is_dir() else []


def _modules(kind: str) -> list[str]:
    return [file.stem for file in (PACKAGE / kind).glob("[!_]*.py")]


def _starting(incomplete: str, names: list[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete)})
