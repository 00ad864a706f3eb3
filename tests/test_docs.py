"""The documents say what is true: commands, links, file names, public names, settings, the version.

Their examples are run as doctests: pytest collects README.md, CONTRIBUTING.md and docs themselves.
"""

import builtins
import os
import re
import subprocess

import pytest
from pages import DECISIONS, DOCUMENTS, READ, ROOT, name_of, text_of

import miniflow_xp
from miniflow_xp import errors, switch

FILES = [*(ROOT / "miniflow_xp").rglob("*.py"), ROOT / "tests" / "capabilities.py"]
SOURCE = "\n".join(path.read_text(encoding="utf-8") for path in FILES)
OPTIONAL_FILES = {"FILE.safetensors", "DATASET-parameters.safetensors", "FILE.csv"}  # stand for the user's own

EXAMPLES = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)


def code_spans(document):
    """What stands between backquotes in the running text."""
    return re.findall(r"`([^`\n]+)`", EXAMPLES.sub("", text_of(document)))


def quick_start():
    """The commands of README's quick start."""
    section = text_of(ROOT / "README.md").partition("## Quick start\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return "".join(blocks).splitlines()


def test_quick_start_is_two_commands_of_one_line():
    train, test = quick_start()
    assert train.endswith(" && .venv/bin/miniflow-xp train")
    assert test.endswith(" && .venv/bin/python -m pytest")


def test_quick_start_needs_only_python_and_stays_in_the_folder():
    for command in quick_start():
        make, install, _ = command.split(" && ")
        assert make == "python3 -m venv .venv"
        assert install.startswith(".venv/bin/python -m pip install --no-cache-dir -e ")


def test_ci_finds_the_commands_as_readme_gives_them():
    script = text_of(ROOT / ".ci" / "run")
    patterns = re.findall(r"\$\(grep -m 1 -- '([^']+)' README\.md\)", script)
    lines = text_of(ROOT / "README.md").splitlines()
    assert [next(line for line in lines if re.search(pattern, line)) for pattern in patterns] == quick_start()


def test_ci_can_be_run():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)


@every_document
def test_links_lead_somewhere(document):
    targets = re.findall(r"\]\(([^)\s]+)\)", text_of(document))
    inside = [target for target in targets if not target.startswith("https://")]
    assert [target for target in inside if not (document.parent / target.partition("#")[0]).exists()] == []


@every_document
def test_named_files_exist(document):
    paths = [
        span
        for span in code_spans(document)
        if re.fullmatch(r"[\w./-]+\.(py|md|toml|npz|safetensors|csv)|[\w.-]+(/[\w.-]+)+", span)
    ]
    unknown = [path for path in paths if not (ROOT / path).exists() and path not in OPTIONAL_FILES]
    assert [path for path in unknown if not path.startswith((".venv", "miniflow_xp/backends/library/"))] == []


@every_document
def test_named_things_exist(document):
    """Classes in CamelCase, calls such as ``get_backend()``, and methods such as ``Node.backward``."""
    spans = code_spans(document)
    names = {span for span in spans if re.fullmatch(r"([A-Z]+[a-z]\w*)+|MSE", span)}
    names |= {match[1] for span in spans if (match := re.match(r"([a-z]+_[a-z_]+)\(", span))}
    names |= {span.partition(".")[0] for span in spans if re.fullmatch(r"[A-Z]\w+\.[a-z_]+", span)}
    known = {*vars(miniflow_xp), *vars(errors), *vars(builtins)}
    made = r"(\b(class|def) |\bscipy\.[a-z.]*)"  # ours, or a function of SciPy that the source names, or the page's own
    source = SOURCE + text_of(document)
    assert sorted(name for name in names - known if not re.search(rf"{made}{name}\b", source)) == []


@every_document
def test_named_settings_exist(document):
    names = set(re.findall(r"\b(?:MINIFLOW|JAX)_[A-Z0-9_]+", text_of(document)))
    tests = "".join(text_of(path) for path in (ROOT / "tests").rglob("*.py"))
    read_by_tests = re.findall(r'environ(?:\.get\(|\[)"(\w+)"', tests)
    assert sorted(name for name in names.difference(read_by_tests) if name not in SOURCE) == []


def test_readme_is_read_in_two_minutes():
    assert len(text_of(ROOT / "README.md").splitlines()) <= 150


def test_the_pages_name_everything_public():
    """In words, beside the reference, which lists names."""
    pages = "\n".join(text_of(path) for path in READ if "reference" not in path.parts)
    assert [name for name in miniflow_xp.__all__ if not re.search(rf"\b{name}\b", pages)] == []


def test_a_page_has_every_backend_and_every_error_of_choosing_one():
    page = text_of(ROOT / "docs" / "how-to" / "choose-a-backend.md")
    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    choosing = {name for name, kind in vars(errors).items() if errors.BackendError in getattr(kind, "__bases__", ())}
    assert rows == {*switch.BUILT_IN, *choosing}


def test_changelog_has_this_version():
    assert re.search(rf"^## \[{re.escape(miniflow_xp.__version__)}\] - ", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)


def test_decisions_are_numbered_without_gaps():
    assert [int(path.name.partition("-")[0]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("record", DECISIONS, ids=lambda path: path.name)
def test_decisions_have_context_decision_and_consequences(record):
    headings = re.findall(r"^#+ .*$", text_of(record), re.MULTILINE)
    assert headings[0].startswith(f"# {int(record.name.partition('-')[0])}. ")
    assert headings[1:] == ["## Context", "## Decision", "## Consequences"]
