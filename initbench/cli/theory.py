"""``initbench theory``: what mean-field theory says of an activation, without any network."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table
from rich.text import Text

from initbench.cli import console
from initbench.cli.options import expanded
from initbench.errors import InitbenchError

if TYPE_CHECKING:
    from initbench.activations import Activation
    from initbench.theory import MeanField

_MEANINGS = {
    "q_star": ("q*", "variance of pre-activations deep inside"),
    "chi1": ("χ₁", "factor on the variance of gradients, per layer"),
    "c_star": ("c*", "correlation that two inputs end up with"),
    "xi_q": ("ξ_q", "layers over which the variance settles"),
    "xi_c": ("ξ_c", "layers over which correlations settle"),
    "phase": ("phase", ""),
    "forward_gain": ("1/√E[φ²]", "gain that keeps the signal"),
    "backward_gain": ("1/√E[φ'²]", "gain that keeps the gradient"),
    "std_gain": ("1/√Var φ", "gain that keeps the standard deviation"),
}


@dataclass(frozen=True)
class Variances:
    """A point of the phase diagram, or what is known of it."""

    weight_variance: Annotated[
        float | None, typer.Option(help="σ_w² = fan_in · Var(W).", show_default=False, metavar="VARIANCE")
    ] = None
    bias_variance: Annotated[
        float | None, typer.Option(help="σ_b² = Var(b).", show_default="0", metavar="VARIANCE")
    ] = None
    critical: Annotated[
        bool,
        typer.Option("--critical", help="Find the variance that is critical: of weights, or of biases for given ones."),
    ] = False

    def __post_init__(self) -> None:
        """Refuse what is no variance. Raises InitbenchError."""
        for option, variance in (("--weight-variance", self.weight_variance), ("--bias-variance", self.bias_variance)):
            if variance is not None and not 0 <= variance < math.inf:
                raise InitbenchError(f"{option}: found {variance:g}, expected a finite number of at least 0")

    @property
    def are_asked_about(self) -> bool:
        """Whether there is a point to say something of."""
        return self.critical or self.weight_variance is not None

    def of(self, function: Activation) -> tuple[float | None, float | None]:
        """Both variances, one of them found if it is the critical one that is wanted; None where there is none."""
        from initbench.theory import critical_bias_variance, critical_weight_variance

        weight, bias = self.weight_variance, self.bias_variance
        if not self.critical:
            return weight, bias or 0.0
        if weight is None:
            return critical_weight_variance(function.values, function.slopes, bias or 0.0), bias or 0.0
        if bias is not None:
            raise InitbenchError(
                "--critical finds one variance for the other; give --weight-variance or --bias-variance"
            )
        return weight, critical_bias_variance(function.values, function.slopes, weight)


@dataclass(frozen=True)
class Diagram:
    """Whether and where the phase diagram is drawn."""

    draw_map: Annotated[bool, typer.Option("--map", help="Draw the phase diagram, as PNG and SVG.")] = False
    out: Annotated[Path, typer.Option(help="Folder for the diagram.", metavar="DIR", show_default="this folder")] = (
        Path()
    )

    def drawn(self, function: Activation) -> list[str]:
        """The files that were written."""
        if not self.draw_map:
            return []
        if self.out.exists() and not self.out.is_dir():
            raise InitbenchError(f"--out {self.out}: is a file, expected a folder for the diagram")
        from initbench.records import write_bytes
        from initbench.report import panels, phases
        from initbench.theory import phase_diagram

        figure = phases.draw(phase_diagram(function.values, function.slopes), function.label)
        files = [self.out / f"phase_diagram_{function.component_name()}.{kind}" for kind in ("png", "svg")]
        for path in files:
            write_bytes(path, panels.encode(figure, path.suffix[1:]))
        return [str(path) for path in files]


@expanded
def theory(
    activation: Annotated[
        str, typer.Option(help=r"Activation, such as tanh or 'leaky_relu\[slope=0.2]'.", show_default=False)
    ],
    variances: Variances,
    diagram: Diagram,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")] = False,
) -> None:
    """Say where signals and gradients settle in a deep network: fixed points, depth scales, phase and gains.

    Example: initbench theory --activation tanh --weight-variance 1.5 --bias-variance 0.05
    """
    function = _activation(activation)
    if not variances.are_asked_about and not diagram.draw_map:
        raise InitbenchError("give --weight-variance, or --critical to find it, or --map to see all")
    files = diagram.drawn(function)
    if not variances.are_asked_about:
        console.say(json.dumps({"files": files}, indent=2) if as_json else f"Drawn: {', '.join(files)}")
        return
    facts = {**_facts(function, *variances.of(function)), **({"files": files} if files else {})}
    if as_json:
        console.say(json.dumps(facts, indent=2, allow_nan=False))
        return
    screen = console.out()
    screen.print(Text(_heading(function, facts), style="bold"))
    screen.print(_table(facts, scale_free=facts["phase"] == "critical" and _keeps_any_scale(function)))
    screen.print(_sentence(function, facts, critical=variances.critical))
    if files:
        screen.print(f"Drawn: {', '.join(files)}", style="dim")


def _activation(text: str) -> Activation:
    from initbench.config import CATALOGS, parse_components

    found = parse_components(text, CATALOGS["activation"])
    if len(found) != 1:
        raise InitbenchError(f"--activation {text} names {len(found)} activations, expected one")
    function: Any = found[0]
    return function  # type: ignore[no-any-return]


def _facts(function: Activation, weight_variance: float | None, bias_variance: float | None) -> dict[str, Any]:
    """The keys of the JSON output; null for what is infinite, or does not exist."""
    from initbench.theory import mean_field

    found: MeanField | None = None
    if weight_variance is not None and bias_variance is not None:
        found = mean_field(function.values, function.slopes, weight_variance, bias_variance)
    names = ("q_star", "chi1", "c_star", "xi_q", "xi_c", "phase")
    facts = {
        "activation": function.label,
        "weight_variance": weight_variance,
        "bias_variance": bias_variance,
        **{name: getattr(found, name, None) for name in names},
        "forward_gain": function.gain,
        "backward_gain": function.gradient_gain,
        "std_gain": function.std_gain,
    }
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in facts.items()
    }


def _keeps_any_scale(function: Activation) -> bool:
    """Whether φ(a z) = a φ(z) for positive a, as of ReLU and the identity: what keeps one variance then keeps all."""
    import numpy as np

    inputs, scales = np.linspace(-3, 3, 13), np.array([[0.25], [3.0]])
    scaled = np.asarray(function.values(scales * inputs))
    return bool(np.allclose(scaled, scales * np.asarray(function.values(inputs)), rtol=1e-9, atol=0))


def _heading(function: Activation, facts: dict[str, Any]) -> str:
    shown = {key: "none" if facts[key] is None else f"{facts[key]:.6g}" for key in ("weight_variance", "bias_variance")}
    return f"{function.label}, σ_w² = {shown['weight_variance']}, σ_b² = {shown['bias_variance']}"


def _number(value: float) -> str:
    """Four digits say all that a network can show; JSON has the others."""
    return f"{value:#.4g}".rstrip(".") if 1e-4 <= abs(value) < 1e4 else f"{value:.3e}" if value else "0"


def _table(facts: dict[str, Any], *, scale_free: bool) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for key, (symbol, meaning) in _MEANINGS.items():
        value = facts[key]
        if facts["phase"] is None and key in ("q_star", "chi1", "c_star", "xi_q", "xi_c", "phase"):
            continue
        missing = "–" if facts["phase"] == "unbounded" and key != "q_star" else "∞"
        text = missing if value is None else value if isinstance(value, str) else _number(value)
        if key == "q_star" and scale_free and value is not None:
            text, meaning = "any", f"{meaning}: each repeats itself; {value:.4g} for an input of second moment 1"
        table.add_row(symbol, text, meaning)
    return table


def _sentence(function: Activation, facts: dict[str, Any], *, critical: bool) -> str:
    phase, chi1, xi = facts["phase"], facts["chi1"], facts["xi_c"]
    if phase is None:
        known = "bias_variance" if facts["weight_variance"] is None else "weight_variance"
        return f"{function.label} has no critical point at {known.replace('_', ' ')} {facts[known]:g}."
    if phase == "critical":
        pair = f" at σ_w² = {facts['weight_variance']:.6g} and σ_b² = {facts['bias_variance']:.6g}" if critical else ""
        return f"Critical{pair}: gradients keep their size, so depth is no obstacle."
    if phase == "unbounded":
        return "Unbounded: the variance of the signal grows from layer to layer without end."
    depth = f"a network trains to a depth of a few times ξ_c = {xi:.3g} layers" if xi else "no depth is reached"
    change = "shrinks" if phase == "ordered" else "grows"
    says = "inputs become alike" if phase == "ordered" else "similar inputs drift apart"
    gradients = f"the variance of gradients {change} by a factor of {chi1:.3g} per layer"
    return f"{phase.capitalize()}: {says}, {gradients}, and {depth}."
