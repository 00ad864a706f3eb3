"""The rooms of the package: what may import what, and that nothing stands in a circle."""

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from miniflow_xp.errors import PackageMissingError

ROOT = Path(__file__).resolve().parent.parent / "miniflow_xp"
FLOORS = [  # a module imports from its own floor and from those before it
    {"errors"},
    {"system"},
    {"backend", "dtypes", "checks"},
    {"switch", "broadcasting", "given", "metrics", "schedules"},
    {"arrays"},
    {"rules", "recording"},
    {"transforms", "special"},
    {"nodes", "node", "feed", "graph"},
    {"ops", "gradcheck"},
    {"backends", "engine", "distributed"},
    {"layers", "checkpoints", "data", "nonfinite", "drawing"},
    {"training", "stepping"},
    {"autograd", "estimators", "exchange", "optimize", "scipy"},
    {"programs", "__init__", "__main__"},  # programs are written in the public names, as users write theirs
]


HOLD_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


def modules():
    """{dotted name: its file}, of the whole package."""
    return {named(path): path for path in ROOT.rglob("*.py")}


def named(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path, known):
    """The modules of the package that a file imports anywhere, but for type checking alone."""
    found = set()
    for node in reached(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inside & known if inside <= known else {node.module, *(inside & known)}
    return found & known


def reached(tree):
    """All statements of a syntax tree, without what stands under ``if TYPE_CHECKING``."""
    waiting = [tree]
    for node in waiting:  # which grows meanwhile
        yield node
        inside = (child for child in ast.iter_child_nodes(node) if isinstance(child, HOLD_STATEMENTS))
        waiting += [c for c in inside if not (isinstance(c, ast.If) and ast.unparse(c.test) == "TYPE_CHECKING")]


def floor_of(name):
    room = name.split(".")[1] if "." in name else "__init__"
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


MODULES = modules()


@cache
def imports():
    """{module: the modules that it imports}; not found when tests are collected, which each process does."""
    return {name: imports_of(path, set(MODULES)) for name, path in MODULES.items()}


def test_no_import_leads_up():
    up = [(name, other) for name in sorted(MODULES) for other in imports()[name] if floor_of(other) > floor_of(name)]
    assert up == []


def test_no_imports_stand_in_a_circle():
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_a_backend_knows_its_contract_and_recording_alone():
    shared = {"backend", "errors", "dtypes", "broadcasting", "system", "arrays", "recording", "backends"}
    strange = [
        (name, other)
        for name in sorted(MODULES)
        for other in imports()[name]
        if name.startswith("miniflow_xp.backends.") and other.split(".")[1] not in shared
    ]
    assert strange == []


def test_contributing_shows_the_same_table():
    text = (ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("## Where things are\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    told = [set(re.findall(r"`(\w+)/?`", row)) for row in rows]
    assert told == [floor - {"__init__", "__main__"} for floor in FLOORS]


def test_only_the_command_line_knows_verify():
    users = {name for name in MODULES if any(".programs.verify" in other for other in imports()[name])}
    assert {name for name in users if ".programs.verify" not in name} == {"miniflow_xp.programs.cli"}


def test_the_library_speaks_of_arguments_and_not_of_options():
    """What a command calls them, the programs say."""
    spoken = [
        (name, text.value)
        for name, path in sorted(MODULES.items())
        if not name.startswith(("miniflow_xp.programs", "miniflow_xp.backends"))
        for text in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(text, ast.Constant) and isinstance(text.value, str) and re.search(r"(^|\W)--[a-z]", text.value)
    ]
    assert spoken == []


def test_few_files_stand_loose():
    assert len(list(ROOT.glob("*.py"))) <= 14


def test_every_room_is_on_a_floor():
    rooms = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rooms == {room for floor in FLOORS for room in floor}


def the_room(name):
    """The module of this name; where a package is needed that is not installed, the test ends as skipped."""
    try:
        return import_module(name)
    except PackageMissingError as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize("path", sorted((ROOT.parent / "benchmarks").glob("*.py")), ids=lambda path: path.stem)
def test_what_benchmarks_import_of_ours_is_there(path):
    missing = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("miniflow_xp") and not node.level:
            room = the_room(node.module)
            named = [alias.name for alias in node.names]
            missing += [n for n in named if not hasattr(room, n) and f"{node.module}.{n}" not in MODULES]
    assert missing == []
