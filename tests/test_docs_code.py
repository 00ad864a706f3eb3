"""The code in the documents that is no doctest: programs run, commands and their options exist."""

import ast
import doctest
import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec

import pytest
import typer
from pages import READ, ROOT, name_of, text_of

from miniflow_xp.programs.cli import app

BLOCK = re.compile(r"(?:<!-- ([^\n]*) -->\n\n)?```(py|sh)(?:thon)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A block of code, and the comment before it: who runs it in place of this file, or why nobody does."""
ELSEWHERE = re.compile(r"run by (tests/\w+\.py)|not run: .+")


def blocks(language):
    """Page, comment, code, and what stands above it, of every block of a language."""
    return [
        pytest.param(page, match[1], match[3], text_of(page)[: match.start()], id=f"{name_of(page)}-{number}")
        for page in READ
        for number, match in enumerate(match for match in BLOCK.finditer(text_of(page)) if match[2] == language)
    ]


def imported(code):
    """The packages that a program imports."""
    nodes = list(ast.walk(ast.parse(code)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(("page", "comment", "code", "above"), blocks("py"))
def test_programs_run(page, comment, code, above, tmp_path):
    """Each in a process of its own, after the examples above it on its page."""
    if comment is not None:
        found = ELSEWHERE.fullmatch(comment)
        assert found, f"{page}: '{comment}' says neither 'run by tests/…' nor 'not run: why'"
        if found[1]:
            assert page.name in (ROOT / found[1]).read_text(encoding="utf-8")
        return
    program = "".join(example.source for example in doctest.DocTestParser().get_examples(above)) + code
    missing = sorted(name for name in imported(program) if find_spec(name) is None)
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCIPY_ARRAY_API": "1"}
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=300)


PROGRAM = re.compile(r"(?:(?:^|[ /])miniflow-xp|-m miniflow_xp) (.+)")
COMMANDS = typer.main.get_command(app).commands


def calls(page):
    """The command lines of `miniflow-xp` on a page, in shell blocks and in running text, as lists of words."""
    shell = [line for match in BLOCK.finditer(text_of(page)) if match[2] == "sh" for line in match[3].splitlines()]
    spans = re.findall(r"`(miniflow-xp [^`\n]+)`", text_of(page))
    found = [PROGRAM.search(line) for line in [*shell, *spans]]
    return [shlex.split(match[1], comments=True) for match in found if match]


@pytest.mark.parametrize("page", READ, ids=name_of)
def test_commands_and_their_options_exist(page):
    for command, *rest in calls(page):
        assert command in COMMANDS, f"{page.name}: miniflow-xp {command}"
        known = {
            name for parameter in COMMANDS[command].params for name in (*parameter.opts, *parameter.secondary_opts)
        }
        named = {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)}
        assert named <= known, f"{page.name}: miniflow-xp {command} {named - known}"


@pytest.mark.parametrize("name", ["command-line.md", "benchmark.md", "gpu.md"])
def test_options_in_running_text_exist(name):
    options = set(
        re.findall(r"`(--[a-z][a-z-]+)", re.sub(r"`python [^`]*`", "", text_of(ROOT / "docs" / "how-to" / name)))
    )
    known = {option for command in COMMANDS.values() for parameter in command.params for option in parameter.opts}
    assert options - {"--benchmark-only"} <= known
    assert options
