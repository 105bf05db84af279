"""Write the generated part of the reference: a page for each family of components, from the components themselves.

``python docs/generate.py`` writes ``docs/reference/``; ``--check`` says which pages are out of date, and exits with 1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from initbench.activations import Activation
from initbench.component import Catalog, Component, inline, module_doc
from initbench.config import CATALOGS
from initbench.config.expected import field_words
from initbench.inits import Init

FOLDER = Path(__file__).parent / "reference"


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    return {f"{kind}s.md": _page(kind, catalog) for kind, catalog in CATALOGS.items()}


def _page(kind: str, catalog: Catalog[Component]) -> str:
    heading = f"# {kind.capitalize()}s\n\nThis page is written by `make docs` from the files in `initbench/{kind}s/`.\n"
    index = "\n".join(f"- [`{name}`](#{name}): {cls.summary()}" for name, cls in catalog.items())
    return "\n".join([heading, index, *(section for cls in catalog.values() for section in _section(cls))]) + "\n"


def _section(cls: type[Component]) -> Iterator[str]:
    yield f"\n## {cls.component_name()}\n"
    yield module_doc(cls).replace("``", "`")
    facts = list(_facts(cls))
    if facts:
        yield "\n" + "\n".join(f"- {fact}" for fact in facts)
    if cls.model_fields:
        yield "\n| option | value | default | |\n|---|---|---|---|"
        for name, field in cls.model_fields.items():
            default = "required" if field.is_required() else f"`{inline(field.get_default())}`"
            cells = (f"`{name}`", field_words(cls, name), default, field.description or "")
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _facts(cls: type[Component]) -> Iterator[str]:
    if issubclass(cls, Init):
        yield f"Formula: {cls.formula}"
        yield f"Use it for: {cls.suits}"
        yield from (f"Needs {condition.text}" for condition in cls.requires)
        yield from (f"Assumes {condition.text}" for condition in cls.assumes)
    if issubclass(cls, Activation):
        function = cls()
        yield f"Gain {function.gain:.6f}, std gain {function.std_gain:.6f}, gradient gain {function.gradient_gain:.6f}"
    if cls.aliases:
        yield "Aliases: " + ", ".join(f"`{alias}`" for alias in cls.aliases)


def main() -> int:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is out of date")
    check = parser.parse_args().check
    stale = [name for name, text in pages().items() if not _holds(FOLDER / name, text)]
    for name in stale:
        if not check:
            FOLDER.mkdir(exist_ok=True)
            (FOLDER / name).write_text(pages()[name])
        print(f"{FOLDER / name}: {'out of date, run make docs' if check else 'written'}")
    return int(check and bool(stale))


def _holds(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text() == text


if __name__ == "__main__":
    sys.exit(main())
