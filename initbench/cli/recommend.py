"""``initbench recommend``: the schemes to start a network from, ranked by theory and a quick probe."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.padding import Padding
from rich.progress import Progress
from rich.text import Text

from initbench.cli import console
from initbench.cli.experiment import Recipe, Subject, described
from initbench.cli.options import DataDir, Overrides, expanded

if TYPE_CHECKING:
    from initbench.analysis.recommendation import Recommendation, Traits
    from initbench.inits import Init

SEEDS = 4


@expanded
def recommend(
    subject: Subject,
    top: Annotated[int, typer.Option(min=1, help="How many schemes to recommend.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
    data_dir: DataDir = None,
    overrides: Overrides = None,
) -> None:
    """Rank the schemes for a network, by theory and a quick probe, and say why.

    Every scheme that needs no options is drawn a few times; nothing is trained.

    Example: initbench recommend --activation selu --depth 100
    """
    from initbench.analysis.propagation import diagnose
    from initbench.analysis.recommendation import recommend as ranked
    from initbench.analysis.wording import count
    from initbench.cli.probe import about
    from initbench.datasets import data_folder
    from initbench.execute import material_of
    from initbench.execute.propagation import propagate
    from initbench.report.propagation import happening

    schemes = _candidates()
    experiment = described(["he"], subject, Recipe(seeds=str(SEEDS)), overrides or (), data_dir)
    experiment = experiment.model_copy(update={"init": tuple(schemes.values())})
    data = data_folder(data_dir)
    with _progress(len(schemes)) as tell:
        found = propagate(experiment, material_of(experiment.dataset[0], data), data, tell)
    diagnoses = diagnose(found.results, found.standings, found.closed)
    traits = {label: _traits(init, found.concerns.get(label, ())) for label, init in schemes.items()}
    fitting = [one for one in diagnoses if one.init not in found.pointless]
    best = ranked(fitting, traits, experiment.activation[0].component_name())
    rejected = {one.init: happening(one) for one in fitting if one.verdict != "healthy"} | found.refused
    rejected |= {
        init: "; ".join(concern.removeprefix(f"{init} ") for concern in found.concerns[init])
        for init in sorted(found.pointless)
    }
    if as_json:
        console.say(_json(best[:top], rejected, about(experiment)))
        return
    screen = console.out()
    screen.print(Text(f"For {about(experiment)}\n", style="bold"))
    for rank, one in enumerate(best[:top], start=1):
        screen.print(Text.assemble((f"{rank}. {one.diagnosis.init}: ", "bold"), _why(one)))
        screen.print(Padding(Text(one.traits.paper, style="dim"), (0, 0, 1, 3)))
    if not best:
        screen.print("No scheme carries both signal and gradient through this network; a norm or residuals would help.")
    screen.print(Text("Not recommended", style="bold"))
    for init, reason in rejected.items():
        screen.print(Text(f"   {init}: {reason}"))
    draws = count(len(experiment.seeds), "draw")  # an override may ask for others
    screen.print(f"\nMeasured on {draws} each; initbench probe SCHEME shows every layer.", style="dim")


def _candidates() -> dict[str, Init]:
    """Every scheme that its name alone describes, by label."""
    from initbench.inits import INITS

    complete = [cls() for cls in INITS.values() if not any(field.is_required() for field in cls.model_fields.values())]
    return {init.label: init for init in complete}


def _traits(init: Init, concerns: tuple[str, ...]) -> Traits:
    from initbench.analysis.recommendation import Traits
    from initbench.component import module_doc
    from initbench.inits import Adjusting

    doc = module_doc(type(init))
    paper = " ".join(re.split(r"\n\s*\n", doc.strip())[-1].split())
    reads_data = "batch" in type(init).formula
    is_law = "Var(W)" in type(init).formula and not reads_data and not isinstance(init, Adjusting)
    return Traits(type(init).suits, paper, reads_data, concerns, is_law)


def _why(one: Recommendation) -> str:
    from initbench.report.propagation import sentence

    made = f" Made for {one.traits.suits.partition(';')[0]}." if one.made_for_it else ""
    doubts = "".join(f" But {concern}." for concern in one.traits.concerns)
    remark = f" {one.diagnosis.remark}".rstrip()
    alike = f" The same variances: {', '.join(one.alike)}." if one.alike else ""
    return f"{sentence(one.diagnosis)}{remark}{made}{doubts}{alike}"


@contextmanager
def _progress(schemes: int) -> Iterator[Callable[[int], None]]:
    """A bar while schemes are drawn, on a terminal; gone when that is done."""
    screen = console.err()
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        task = progress.add_task("drawing schemes", total=schemes)
        yield lambda done: progress.update(task, completed=done)


def _json(best: Sequence[Recommendation], rejected: dict[str, str], network: str) -> str:
    recommended: list[dict[str, Any]] = [
        {
            "rank": rank,
            "init": one.diagnosis.init,
            "why": _why(one),
            "paper": one.traits.paper,
            "made_for_activation": one.made_for_it,
            "cost": one.cost,
            "alike": list(one.alike),
        }
        for rank, one in enumerate(best, start=1)
    ]
    refused = [{"init": init, "why": reason} for init, reason in rejected.items()]
    return json.dumps(
        {"network": network, "recommended": recommended, "not_recommended": refused}, indent=2, ensure_ascii=False
    )
