"""The site of the documentation: whole, true to its files, and complete without a network."""

import re
import shutil
from collections import Counter
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import functions_page
import pytest
from browser import BROWSER, browse
from pages import DECISIONS, PAGES, ROOT, name_of, text_of

import miniflow_xp
from docs.site.checks import problems
from docs.site.gather import gather
from miniflow_xp.gradcheck.examples import CASES

REFERENCE = "\n".join(text_of(path) for path in PAGES if "reference" in path.parts)
GENERATED = {"docs/decisions/index.md"}  # lists the records


def test_every_page_has_one_place_in_the_navigation():
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    named = [f"docs/{page}" for page in re.findall(r"([\w/-]+\.md)$", nav, re.MULTILINE)]
    assert sorted(named) == sorted({*map(name_of, set(PAGES) - set(DECISIONS)), *GENERATED})


def test_every_public_name_is_shown_once_in_the_reference():
    shown = re.findall(r"^::: miniflow_xp\.([\w.]+)$", REFERENCE, re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert {*miniflow_xp.__all__} <= {*shown}


@pytest.mark.parametrize("room", ["optimize", "special", "exchange", "checkpoints", "data"])
def test_the_names_of_a_room_are_in_the_reference(room):
    names = import_module(f"miniflow_xp.{room}").__all__
    assert [name for name in names if name.islower() and not re.search(rf"\b{name}\b", REFERENCE)] == []


def test_the_table_of_functions_has_every_function_and_what_the_tests_say_of_it():
    page = text_of(ROOT / "docs" / "reference" / "coverage.md")
    assert re.findall(r"^\| `([\w.]+)` \|", page, re.MULTILINE) == sorted({case.op for case in CASES})
    assert functions_page.TEXT.partition("| mark |")[2].partition("{table}")[0] in page


def test_the_table_of_functions_keeps_the_columns_of_backends_that_did_not_run(tmp_path):
    page = tmp_path / "coverage.md"
    checks = ("value", "first", "second", "captured")
    for backend, passed in (("strict", checks), ("numpy", checks[:2]), ("strict", checks[:1])):
        places = [("exp", backend, check) for check in checks]
        counts = {"passed": Counter(p for p in places if p[2] in passed), "failed": Counter(), "skipped": Counter()}
        functions_page.write(str(page), places, counts)
    text = page.read_text(encoding="utf-8")
    assert "| function | numpy | strict |\n| --- | --- | --- |\n| `exp` | 1 | 0 |\n" in text
    assert re.search(r"were\nnumpy [\w.+]+, array_api_strict [\w.+]+\.\n", text)


@pytest.fixture
def repository(tmp_path):
    """One with a page that links to code, to a folder, and to a picture."""
    files = {
        "docs/index.md": "[code](../room/code.py) [room](../room) ![picture](a.svg) `[not](../a/link.py)`\n",
        "docs/how-to/page.md": "[home](../index.md#there), [README](../../README.md), [more](../../MORE.md)\n",
        "docs/decisions/0001-why.md": "# 1. Why\n",
        "docs/a.svg": "<svg/>",
        "README.md": "# Read me\n",
        "MORE.md": "[a page](docs/how-to/page.md)\n\n```` ```py ```` and [code](room/code.py)\n\n```sh\nls\n```\n",
        "room/code.py": '"""What it is for."""\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_what_pages_link_to_in_the_repository_becomes_a_page(repository):
    gather(repository, repository / "out")
    read = {
        path.relative_to(repository / "out").as_posix(): text_of(path) for path in (repository / "out").rglob("*.*")
    }
    assert read["index.md"] == (
        "[code](files/room/code.py.md) [room](files/room/index.md) ![picture](a.svg) `[not](../a/link.py)`\n"
    )
    assert read["how-to/page.md"] == "[home](../index.md#there), [README](../index.md), [more](../files/MORE.md)\n"
    assert read["files/MORE.md"].splitlines()[::2][:2] == [
        "[a page](../how-to/page.md)",
        "```` ```py ```` and [code](room/code.py.md)",  # backquotes in a line open no block
    ]
    assert '```python\n"""What it is for."""\n```' in read["files/room/code.py.md"]
    assert "| [code.py](code.py.md) | What it is for. |" in read["files/room/index.md"]
    assert "| [0001-why.md](0001-why.md) | 1. Why |" in read["decisions/index.md"]
    assert "a.svg" in read


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('<a href="#here" id="here">', []),
        ('<a href="a/page.html#there">', []),
        ('<a href="https://example.org/">', []),
        ('<a href="#nowhere">', ["index.html: the link #nowhere has an anchor that is not there"]),
        ('<a href="a/page.html#x">', ["index.html: the link a/page.html#x has an anchor that is not there"]),
        ('<a href="gone.html">', ["index.html: the link gone.html leads to no file"]),
        ('<img src="gone.png">', ["index.html: no file for gone.png"]),
        ('<script src="https://example.org/x.js">', ["index.html: fetches https://example.org/x.js"]),
        ('<link rel="stylesheet" href="//example.org/x.css">', ["index.html: fetches //example.org/x.css"]),
        ('<link rel="canonical" href="https://example.org/">', []),
    ],
)
def test_what_is_wrong_with_a_page_is_found(text, wrong, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "page.html").write_text('<h1 id="there">', encoding="utf-8")
    (tmp_path / "index.html").write_text(text, encoding="utf-8")
    assert problems(tmp_path) == wrong


def test_a_site_may_be_named_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("site").mkdir()
    Path("site", "index.html").write_text('<a href="page.html#there">', encoding="utf-8")
    Path("site", "page.html").write_text('<h1 id="there">', encoding="utf-8")
    assert problems(Path("site")) == []


def test_a_style_that_fetches_a_font_is_found(tmp_path):
    (tmp_path / "site.css").write_text("@import url('https://example.org/font.css');", encoding="utf-8")
    assert problems(tmp_path) == ["site.css: fetches https://example.org/font.css"]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
def test_a_page_that_is_opened_from_a_disk_searches_by_a_worker(tmp_path):
    shutil.copy(ROOT / "docs" / "assets" / "worker.js", tmp_path)
    (tmp_path / "echo.js").write_text("self.onmessage = e => { e.data.push(3); self.postMessage(e.data) }")
    (tmp_path / "page.html").write_text("""<body><script src="worker.js"></script><script>
        const sent = [1, 2], worker = new Worker("echo.js")
        worker.onmessage = e => document.body.append(`sent ${sent}, got ${e.data}`)
        worker.postMessage(sent)</script>""")
    assert "sent 1,2, got 1,2,3" in browse("--dump-dom", (tmp_path / "page.html").as_uri())


@pytest.mark.skipif(
    not all(map(find_spec, ("zensical", "mkdocstrings"))), reason="no generator of sites: pip install -e '.[docs]'"
)
def test_the_site_is_built(tmp_path):
    from docs.site.__main__ import build

    assert build(tmp_path / "site") == []
    pages = {path.name: text_of(path) for path in (tmp_path / "site" / "reference").glob("*.html")}
    anchors = {anchor for text in pages.values() for anchor in re.findall(r'id="miniflow_xp\.(\w+)"', text)}
    assert [name for name in miniflow_xp.__all__ if name not in anchors | {"special"}] == []
    assert "A function that gives ∇f(x, …), the gradient of a real scalar function" in pages["gradients.html"]
