"""The configs and templates that come with the package, and the search for the file that a user means."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from initbench.config.problems import Place, fail

_PACKAGE = Path(__file__).parent.parent


def shipped_configs() -> dict[str, Path]:
    """The example configs by name: inside an installed package, or beside it in a source tree."""
    folder = next((path for path in (_PACKAGE / "configs", _PACKAGE.parent / "configs") if path.is_dir()), None)
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))} if folder else {}


def template(name: str) -> str:
    """The text of a template: ``starter`` for ``initbench new``, ``compare`` for ``initbench compare``."""
    return (_PACKAGE / "templates" / f"{name}.yaml").read_text(encoding="utf-8")


def locate(source: str | Path) -> Path:
    """The file that ``source`` means: a path, or the bare name of a shipped config.

    Raises
    ------
    ConfigError
        There is no such file; the message offers the nearest names.
    """
    path = Path(source)
    place = Place(0, str(source) if str(source).isprintable() else repr(str(source)))
    known = shipped_configs()
    try:
        if path.is_file():
            return path
        is_folder = path.is_dir()
    except OSError as error:  # for instance a name that is too long
        raise fail(place, f"cannot be read: {error.strerror}") from error
    is_bare = path.parent == Path() and path.suffix in {"", ".yaml", ".yml"}
    if is_bare and path.stem in known:
        return known[path.stem]
    if is_folder:
        names = sorted(str(file) for file in path.glob("*.yaml"))
        raise fail(place, f"is a directory, expected a YAML file{_offer(names[:3])}")
    siblings = {file.stem: str(file) for file in path.parent.glob("*.y*ml")} if path.parent.is_dir() else {}
    near = [siblings[name] for name in get_close_matches(path.stem, siblings, n=3, cutoff=0.6)]
    raise fail(place, f"no such file{_offer(near or get_close_matches(path.stem, known, n=3, cutoff=0.6))}")


def _offer(names: list[str]) -> str:
    return f"; did you mean {' or '.join(names)}?" if names else ""
