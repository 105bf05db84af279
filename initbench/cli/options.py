"""Options that several commands share, each spelled once, and carried as one value.

A command takes a frozen dataclass as a parameter; ``expanded`` shows Typer its fields in place of it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_type_hints

import typer

from initbench.cli import completion

if TYPE_CHECKING:
    from initbench.execute import Resources

EXECUTION = "Execution"
OUTPUT = "Output"
CLUSTER = "More than one machine"


Config = Annotated[
    str,
    typer.Argument(
        metavar="CONFIG",
        help="A YAML file, or the name of a shipped config. See initbench list configs.",
        show_default=False,
        autocompletion=completion.configs,
    ),
]


Schemes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCHEME",
        help=r"Schemes, inline: he, 'normal\[std=0.01,0.1]'. See initbench list inits.",
        show_default=False,
        autocompletion=completion.schemes,
    ),
]


Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Change a value: network.depth=10,20 or seeds=3. A list is an axis; repeat for more.",
        show_default=False,
    ),
]


DataDir = Annotated[
    Path | None,
    typer.Option(
        envvar="INITBENCH_DATA",
        help="Folder of downloaded data, in torchvision's layout.",
        show_default="a folder in your cache",
        rich_help_panel=EXECUTION,
        metavar="DIR",
    ),
]


Reference = Annotated[
    str | None,
    typer.Option(
        help="Scheme that the others are held against.",
        show_default="the first",
        rich_help_panel=OUTPUT,
        metavar="SCHEME",
    ),
]


def target_folder(text: str) -> Path:
    """A folder to write to; an empty text would mean this one, and comes of a variable that a script forgot to set."""
    if not text.strip():
        raise typer.BadParameter("found nothing, expected a folder; '.' is this one")
    return Path(text)


@dataclass(frozen=True)
class Machines:
    """What trains: processes of this machine, or tasks of a Ray cluster."""

    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Stacks that train at once.",
            show_default="one per core, or one per accelerator",
            rich_help_panel=EXECUTION,
        ),
    ] = None
    threads: Annotated[int, typer.Option(min=1, help="Threads of each worker.", rich_help_panel=EXECUTION)] = 1
    executor: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Train on this machine, or on a Ray cluster that is there.", rich_help_panel=CLUSTER),
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option(
            help="Head node of the Ray cluster.",
            show_default="RAY_ADDRESS, or the cluster of this machine",
            rich_help_panel=CLUSTER,
            metavar="HOST:PORT",
        ),
    ] = None
    gpus: Annotated[
        float | None,
        typer.Option(
            help="GPUs of each stack on a cluster, such as 0.25.",
            show_default="1 on cuda",
            rich_help_panel=CLUSTER,
            metavar="SHARE",
        ),
    ] = None

    def resources(self, *, fail_fast: bool = False) -> Resources:
        """The options as the runner takes them. Raises InitbenchError where they do not go together."""
        from initbench.execute import Resources

        return Resources(self.workers, self.threads, fail_fast, self.executor, self.address, self.gpus)

    def expect_workers(self) -> None:
        """Let worker processes begin now, if any are likely, so that they import while the command does."""
        from initbench.cores import available_cores
        from initbench.processes import expect_workers

        if self.executor == "local" and (self.workers or available_cores() // self.threads) > 1:
            expect_workers()


@dataclass(frozen=True)
class Training:
    """How a run happens that is not kept; none of it changes a number."""

    keep: Annotated[
        Path | None,
        typer.Option(
            parser=target_folder,
            help="Keep the run's records and report in this folder; records that it held before are removed.",
            show_default="nothing is kept",
            rich_help_panel=OUTPUT,
            metavar="DIR",
        ),
    ] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.", rich_help_panel=OUTPUT)] = False
    machines: Machines = Machines()
    data_dir: DataDir = None


@dataclass(frozen=True)
class Execution:
    """Where and how a run happens and is shown; none of it changes a number."""

    reference: Reference = None
    out: Annotated[
        Path | None,
        typer.Option(
            parser=target_folder,
            help="Results folder.",
            show_default="results/NAME, of a shard results/NAME/shards/K-of-N",
            rich_help_panel=OUTPUT,
            metavar="DIR",
        ),
    ] = None
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress; print the verdict alone.", rich_help_panel=OUTPUT)
    ] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object instead of tables.", rich_help_panel=OUTPUT)
    ] = False
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="List the trials, what is done and what is left; train nothing.",
            rich_help_panel=EXECUTION,
        ),
    ] = False
    yes: Annotated[
        bool, typer.Option("--yes", help="Start even what takes longer than a day.", rich_help_panel=EXECUTION)
    ] = False
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Forget the folder's records and train all anew.", rich_help_panel=EXECUTION)
    ] = False
    machines: Machines = Machines()
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first trial that fails.", rich_help_panel=EXECUTION)
    ] = False
    shard: Annotated[
        str | None,
        typer.Option(
            help="Train this part alone; initbench merge joins the parts.",
            show_default="the whole",
            rich_help_panel=CLUSTER,
            metavar="K/N",
        ),
    ] = None
    data_dir: DataDir = None

    def expect_workers(self) -> None:
        """Let worker processes begin now, unless nothing is to be trained."""
        if not self.dry_run:
            self.machines.expect_workers()


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose dataclass parameters are spelled out as options, one for each field, to any depth."""
    values: dict[str, type[Any]] = {}
    parameters = []
    for name, hint in get_type_hints(command, include_extras=True).items():
        if name == "return":
            continue
        if is_dataclass(hint):
            values[name] = cls = cast("type[Any]", hint)
            parameters += _options(cls)
        else:
            parameters.append(_parameter(name, hint, inspect.signature(command).parameters[name].default))

    @wraps(command)
    def spelled_out(**given: Any) -> None:
        built = {name: _built(cls, given) for name, cls in values.items()}
        command(**given, **built)

    spelled_out.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what Typer reads
    spelled_out.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return spelled_out


def _options(cls: Any) -> list[inspect.Parameter]:
    parameters: list[inspect.Parameter] = []
    for field, hint in _fields(cls):
        parameters += _options(hint) if is_dataclass(hint) else [_parameter(field.name, hint, field.default)]
    return parameters


def _built(cls: Any, given: dict[str, Any]) -> Any:
    """The value whose fields these are; they are taken out of ``given``."""
    return cls(
        **{
            field.name: _built(hint, given) if is_dataclass(hint) else given.pop(field.name)
            for field, hint in _fields(cls)
        }
    )


def _fields(cls: type[Any]) -> Iterator[tuple[Field[Any], Any]]:
    hints = get_type_hints(cls, include_extras=True)
    return ((field, hints[field.name]) for field in fields(cls))


def _parameter(name: str, hint: Any, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=hint, default=default)
