"""What the library says of its arguments, told in the command line's own words: its options."""

import re

import typer

from miniflow_xp.errors import MiniflowError, SettingError
from miniflow_xp.system.terminal import shown

OPTIONS = {
    "path": "--data",
    "target": "--target",
    "task": "--task",
    "separator": "--separator",
    "decimal": "--decimal",
    "fraction": "--held-out",
    "rng": "--seed",
}
"""The option that sets an argument of ``read_data`` or ``hold_out``."""
ARGUMENT = re.compile(rf"\b({'|'.join(OPTIONS)})=(?:'([^']*)'|\.\.\.)")
"""An argument in a remedy: ``task='classification'``, or ``fraction=...`` for any value."""


def tell_mistake(error: MiniflowError) -> None:
    """On standard error, in one message."""
    typer.echo(shown(f"Error: {in_options(error)}"), err=True)


def in_options(error: MiniflowError) -> MiniflowError:
    """The error with options in the place of the argument that it is about, and of those that its remedy names."""
    where = error.where
    if isinstance(error, SettingError):
        where = OPTIONS.get(where.removeprefix("hold_out, "), where)
    return MiniflowError(where, error.got, error.expected, ARGUMENT.sub(option, error.remedy))


def option(argument: re.Match[str]) -> str:
    """``--task classification`` for ``task='classification'``."""
    name, value = argument.groups()
    return OPTIONS[name] if value is None else f"{OPTIONS[name]} {value}"
