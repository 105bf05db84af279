"""``initbench show``: one component in full, as its own file tells it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from initbench.cli import completion, console
from initbench.errors import InitbenchError

if TYPE_CHECKING:
    from initbench.component import Component


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A scheme, activation, network, dataset, optimizer or schedule.",
            show_default=False,
            autocompletion=completion.components,
        ),
    ],
) -> None:
    """Explain a component: its formula, its options, when to use it and the paper.

    Example: initbench show he
    """
    from initbench.config import CATALOGS

    plain = name.partition("[")[0].strip()
    found = [(kind, *catalog.resolve(plain)) for kind, catalog in CATALOGS.items() if plain in catalog.names]
    if not found:
        known = sorted({known for catalog in CATALOGS.values() for known in catalog.names})
        near = get_close_matches(plain.lower(), known, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(near)}?" if near else "initbench list shows all names"
        raise InitbenchError(f"there is no component '{plain}'; {hint}")
    screen = console.out()
    for index, (kind, cls, preset) in enumerate(found):
        if index:
            screen.rule(style="dim")
        for part in _page(plain, kind, cls, preset):
            screen.print(part)


def _page(name: str, kind: str, cls: type[Component], preset: Mapping[str, Any]) -> Iterator[RenderableType]:
    from initbench.component import module_doc

    heading = Text.assemble((cls.component_name(), "bold"), (f" ({kind})", "dim"))
    if name != cls.component_name():
        heading.append(f"\n{name} is {_alias_words(cls, preset)}")
    yield heading
    summary, *paragraphs = map(_filled, re.split(r"\n\s*\n", module_doc(cls)))
    yield Text("\n") + summary + Text("\n")
    facts = _facts(cls)
    if facts.row_count:
        yield facts
        yield Text()
    if cls.model_fields:
        yield _options(cls)
    for paragraph in paragraphs:
        yield Padding(paragraph, (1, 0, 0, 0))


def _filled(paragraph: str) -> Text:
    """A paragraph of a docstring without its line breaks (those of formulas and lists stay), ``code`` set apart."""
    is_block = any(line.startswith((" ", "-", "*")) for line in paragraph.splitlines())
    pieces = re.split("``(.+?)``", paragraph if is_block else " ".join(paragraph.split()))
    return Text.assemble(*((piece, "cyan" if index % 2 else "") for index, piece in enumerate(pieces)))


def _facts(cls: type[Component]) -> Table:
    from initbench.activations import Activation
    from initbench.inits import Init

    facts: dict[str, str] = {}
    if issubclass(cls, Init):
        facts = {"formula": cls.formula, "use it for": cls.suits}
        facts |= {"needs": "; ".join(condition.text for condition in cls.requires)} if cls.requires else {}
        facts |= {"assumes": "; ".join(condition.text for condition in cls.assumes)} if cls.assumes else {}
    elif issubclass(cls, Activation):
        function = cls()
        facts = {"gain": f"{function.gain:.6f}", "gradient gain": f"{function.gradient_gain:.6f}"}
    if cls.aliases:
        facts["aliases"] = ", ".join(cls.aliases)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for fact, text in facts.items():
        table.add_row(fact, Text(text))
    return table


def _options(cls: type[Component]) -> Table:
    from initbench.component import inline
    from initbench.config.expected import field_words

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in ("option", "value", "default", "what it does"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "option")
    for name, field in cls.model_fields.items():
        default = Text("required", style="italic") if field.is_required() else Text(inline(field.get_default()))
        table.add_row(Text(name), Text(field_words(cls, name)), default, Text(field.description or ""))
    return table


def _alias_words(cls: type[Component], preset: Mapping[str, Any]) -> str:
    if not preset:
        return f"another name of {cls.component_name()}"
    options = ",".join(f"{option}={value}" for option, value in preset.items())
    return f"{cls.component_name()}[{options}]"
