"""The command line: its commands, and how mistakes are told."""

import io
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from miniflow_xp.bench.cli import advise_command, bench_command, compare_command, report_command
from miniflow_xp.command.info import own_version, show_info
from miniflow_xp.command.model_commands import evaluate_command, predict_command
from miniflow_xp.command.train_command import train_command
from miniflow_xp.errors import MiniflowError
from miniflow_xp.terminal import shown, stdout

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
        typer.echo(f"miniflow-xp {own_version()}")
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
) -> None:
    """Check on this machine's GPU what only a GPU can show; without one, say so and check the rest.

    The exit code is 0 where every check was made and passed, else 1.
    """
    from miniflow_xp.verify.run import verify  # here: no other command needs it

    with told():
        if not verify(stdout(), output):
            raise typer.Exit(1)


add("bench", bench_command)
add("report", report_command)
add("compare", compare_command)
add("advise", advise_command)


@contextmanager
def told() -> Iterator[None]:
    """A user's mistake is one message and exit code 1, Ctrl-C is exit code 130; neither is a traceback."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = tell
            yield
        sys.stdout.flush()  # so that what cannot be written is told, and not at the end of the process
    except MiniflowError as error:
        typer.echo(shown(f"Error: {error}"), err=True)
        raise typer.Exit(1) from None
    except MemoryError as error:
        typer.echo(f"Error: not enough memory: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("Stopped by Ctrl-C.", err=True)
        raise typer.Exit(130) from None


def drop_output() -> None:
    """Let what is left of standard output go nowhere, or the end of the process would try to write it once more."""
    with suppress(OSError, ValueError):  # a stream that is no file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def tell(message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning without the line of code that gave it."""
    typer.echo(shown(f"Warning: {message}"), err=True)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; raises SystemExit with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot show is no reason to stop
    try:
        app(arguments, obj=sys.argv[1:] if arguments is None else list(arguments))
    except OSError as error:  # not that of a closed pipe, which ends the command without a word
        if error.filename is not None:
            raise
        typer.echo(f"Error: standard output cannot be written: {error.strerror or error}", err=True)
        drop_output()
        raise SystemExit(1) from None
    return 0
