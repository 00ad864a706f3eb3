"""The command ``profile``."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from miniflow_xp.checks import path_ending_in
from miniflow_xp.engine.optim import SGD, Optimizer
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import BuilderError, SettingError
from miniflow_xp.graph import ancestors
from miniflow_xp.node import Node, Parameter
from miniflow_xp.programs.bench.affinity import bound_to
from miniflow_xp.programs.bench.builder import load_builder
from miniflow_xp.programs.bench.cli import OUTPUT, Cores
from miniflow_xp.programs.bench.peers.problem import RATE
from miniflow_xp.programs.outputs import check_writable
from miniflow_xp.programs.profile import BUDGET_S, ROUNDS, profile, program_of
from miniflow_xp.programs.profile.result import KINDS
from miniflow_xp.programs.user_file import mistakes_told
from miniflow_xp.switch import get_backend, use_backend
from miniflow_xp.system.terminal import stdout

EXPECTED = "it returns (cost, feed), (cost, feed, optimizer), (a Program or Trainer, feed) or (function, *args)"


def profile_command(
    builder: Annotated[
        str,
        typer.Argument(
            metavar="MODEL.py:BUILD",
            help="A function that returns (cost, feed) or (cost, feed, optimizer); also (Program or Trainer, feed), or "
            "(function, *args).",
        ),
    ],
    axis: Annotated[
        str, typer.Option(metavar="NAME=N", help="What BUILD is called with, where it takes this parameter.")
    ] = "batch=1024",
    backend: Annotated[
        str | None, typer.Option(metavar="NAME[:DEVICE]", help="The backend; usual: the one in use.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured, interleaved.")] = ROUNDS,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="How long to measure; three rounds at least.")] = (
        BUDGET_S
    ),
    ceilings: Annotated[
        bool, typer.Option("--ceilings/--no-ceilings", help="Measure the machine's peaks too, in a second or two.")
    ] = True,
    cores: Cores = None,
    output: Annotated[
        Path | None,
        typer.Option(
            OUTPUT, "-o", metavar="FILE", help="A page (.html), or a trace for Perfetto and speedscope (.json)."
        ),
    ] = None,
) -> None:
    """Say where the time of a step goes, node by node, or line by line of a function.

    Example: miniflow-xp profile model.py:build --axis batch=64 -o profile.html
    """
    if output is not None:
        path_ending_in(output, OUTPUT, KINDS, "Write -o profile.html")
        check_writable(OUTPUT, output, {"the builder's own file": Path(builder.rpartition(":")[0])})
    name, size = parse_size(axis)
    with bound_to(cores), use_backend(backend or get_backend()):
        with mistakes_told(partial(wrong, builder), "called, it"):
            what, given = built(builder, name, size)
        with mistakes_told(partial(wrong, builder), "its pass"):
            found = profile(what, *given, rounds=rounds, budget=budget, ceilings=ceilings)
    terminal = stdout()
    terminal.print(str(found), soft_wrap=True)
    if output is not None:
        found.save(output)
        terminal.print(f"Written to {output}", soft_wrap=True)


def built(builder: str, name: str, size: int) -> tuple[Any, list[Any]]:
    """What is to be profiled, and what it is given; raises BuilderError."""
    function = load_builder(builder)
    found = function(**{name: size}) if takes(function, name) else called(builder, function)
    if not isinstance(found, tuple) or not found:
        raise wrong(builder, f"it returned a {type(found).__name__}")
    what, *given = found
    if isinstance(what, Node) and len(given) in (1, 2):
        return trained(what, *given[1:]), given[:1]
    if isinstance(what, Program | Trainer) and len(given) == 1:
        return what, given
    if callable(what) and not isinstance(what, Node | Program | Trainer):
        return what, given
    raise wrong(builder, f"it returned {', '.join(type(item).__name__ for item in found)}")


def trained(cost: Node, optimizer: Optimizer | None = None) -> Program | Trainer:
    """A training step of a graph with Parameters; of others the gradients of their Inputs."""
    if any(isinstance(node, Parameter) for node in ancestors([cost])):
        return Trainer(cost, SGD(RATE) if optimizer is None else optimizer)
    return program_of(cost)


def takes(function: Callable[..., Any], name: str) -> bool:
    """Can the builder be called with this parameter alone?"""
    try:
        inspect.signature(function).bind(**{name: 1})
    except TypeError:
        return False
    return True


def called(builder: str, function: Callable[..., Any]) -> Any:
    """What the builder returns without arguments; raises BuilderError where it needs some."""
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise wrong(builder, f"it cannot be called: {error}", "Name its parameter: --axis batch=1024") from None
    return function()


def wrong(builder: str, got: str, remedy: str = "Return one of these") -> BuilderError:
    """The error for a builder."""
    return BuilderError(f"builder {builder!r}", got, EXPECTED, remedy)


def parse_size(text: str) -> tuple[str, int]:
    """``batch=64`` as name and number; raises SettingError."""
    name, _, size = text.partition("=")
    if not (name.isidentifier() and size.isdecimal() and int(size) >= 1):
        raise SettingError("--axis", f"it is {text!r}", "it is name=number, a whole one from 1 on", "Write batch=1024")
    return name, int(size)
