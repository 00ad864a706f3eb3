"""The command ``explain``."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from miniflow_xp import steps
from miniflow_xp.checks import path_ending_in
from miniflow_xp.programs.lesson_file import load_graph, no_graph, split
from miniflow_xp.programs.outputs import check_writable
from miniflow_xp.programs.user_file import mistakes_told
from miniflow_xp.stepping import Steps
from miniflow_xp.stepping.walk import KINDS
from miniflow_xp.system.terminal import shown, stdout

OUTPUT = "--output"


def explain_command(
    lesson: Annotated[
        str,
        typer.Argument(
            metavar="LESSON.py[:NAME]",
            help="A script, which is run; or the graph, the cost, or the function that returns it, of this name.",
        ),
    ],
    output: Annotated[
        Path | None, typer.Option(OUTPUT, "-o", metavar="FILE.html", help="Write a page to walk through, too.")
    ] = None,
) -> None:
    """Walk through one pass of a graph, forward and backward, node by node, with the numbers and what is wrong.

    The exit code is 0 where all that the nodes hand on is right, or could not be checked; else 1.
    Example: miniflow-xp explain lesson.py -o lesson.html
    """
    if output is not None:
        check_writable(OUTPUT, output, {"the lesson": Path(split(lesson)[0])})
        path_ending_in(output, OUTPUT, KINDS)
    found = walked(lesson)
    stdout().print(shown(str(found)), soft_wrap=True)
    if output is not None:
        found.save(output)
        stdout().print(f"Written to {output}", soft_wrap=True)
    if found.wrong:
        raise typer.Exit(1)


def walked(lesson: str) -> Steps:
    """The steps of the graph in a file; what its own nodes raise is told as the other mistakes."""
    graph, feed = load_graph(lesson)
    with mistakes_told(partial(no_graph, lesson), "its pass"):
        return steps(graph, feed)
