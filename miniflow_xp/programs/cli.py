"""The command line: its commands, and how mistakes are told."""

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from miniflow_xp.errors import MiniflowError
from miniflow_xp.programs.bench.cli import advise_command, bench_command, check_budget, compare_command, report_command
from miniflow_xp.programs.explain import explain_command
from miniflow_xp.programs.info import show_info
from miniflow_xp.programs.options import tell_mistake
from miniflow_xp.programs.profile.command import profile_command
from miniflow_xp.programs.train.model_commands import evaluate_command, predict_command
from miniflow_xp.programs.train.train_command import train_command
from miniflow_xp.system.outlet import lasting, loss
from miniflow_xp.system.terminal import shown, stdout
from miniflow_xp.system.version import __version__

app = typer.Typer(
    name="miniflow-xp",
    help="Back-propagation on the array library of your choice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def show_version(asked: bool) -> None:
    """The option ``--version``."""
    if asked:
        typer.echo(f"miniflow-xp {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Back-propagation on the array library of your choice."""


def add(name: str, command: Callable[..., None]) -> None:
    """Make a function a command whose mistakes are told as those of the others."""

    @wraps(command)
    def run_told(*args: Any, **options: Any) -> None:
        with told():
            command(*args, **options)

    app.command(name)(run_told)


add("train", train_command)
add("predict", predict_command)
add("evaluate", evaluate_command)


@app.command("info")
def info_command() -> None:
    """Show the backends, their devices and versions, and what NumPy's products run on."""
    with told():
        show_info(stdout())


@app.command("verify-gpu")
def verify_gpu_command(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.json", help="Write all figures there.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(metavar="N,N…", help="Only the checks of these numbers, in this order.")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="How long to check at most; a single check gets half of what is left, the last all."
        ),
    ] = None,
) -> None:
    """Check on this machine's GPU what only a GPU can show; without one, say so and check the rest.

    Each check has a process of its own; what it found is printed, and written, as soon as it is made. The exit code is
    0 where every check was made and passed, else 1.
    """
    from miniflow_xp.programs.verify.run import parse_numbers, verify  # here: no other command needs it

    with told():
        check_budget(budget)
        if not verify(stdout(), output, parse_numbers(only or []), budget):
            raise typer.Exit(1)


add("bench", bench_command)
add("report", report_command)
add("compare", compare_command)
add("advise", advise_command)
add("explain", explain_command)
add("profile", profile_command)


@contextmanager
def told() -> Iterator[None]:
    """A user's mistake is one message and exit code 1, Ctrl-C is exit code 130; neither is a traceback."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = tell
            yield
    except MiniflowError as error:
        tell_mistake(error)
        raise typer.Exit(1) from None
    except MemoryError as error:
        typer.echo(f"Error: not enough memory: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("Stopped by Ctrl-C.", err=True)
        raise typer.Exit(130) from None


def tell(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning without the line of code that gave it."""
    typer.echo(shown(f"Warning: {message}"), err=True)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; raises SystemExit with its exit code.

    Output that cannot be written stops no work. It is told at the end, but for a reader that has seen enough.
    """
    with lasting("stderr"), lasting("stdout"):
        try:
            app(arguments, obj=sys.argv[1:] if arguments is None else list(arguments))
        except SystemExit as end:
            sys.stdout.flush()
            error = loss()
            if error is None or isinstance(error, BrokenPipeError):
                raise
            typer.echo(f"Error: standard output cannot be written: {error.strerror or error}", err=True)
            raise SystemExit(end.code or 1) from None
    return 0
