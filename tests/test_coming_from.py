"""Pages for those who come from another library: what their tables give as our way runs."""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGES = [DOCS / f"coming-from-{library}.md" for library in ("micrograd", "jax", "pytorch", "keras")]
ARGUMENT = re.compile(r"\w+=[^=].*")  # a keyword argument by itself


def ours(text):
    """The code of the tables' second columns, where these are headed "here"."""
    for table in re.findall(r"^\| [^|\n]+ \| here \|\n\| --- \| --- \|\n((?:\|.*\n)+)", text, re.MULTILINE):
        for row in table.splitlines():
            yield re.findall(r"`([^`]+)`", row.split(" | ")[1])


def is_code(span):
    """Not a lone name, nor a setting of the environment."""
    return not (span.isidentifier() or span.startswith("MINIFLOW_"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_line_of_ours_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text, names = page.read_text(encoding="utf-8"), {}
    for example in doctest.DocTestParser().get_examples(text):
        exec(example.source, names)
    rows = list(ours(text))
    assert len(rows) > 10
    for row in rows:
        for span in filter(is_code, row):
            exec(f"dict({span})" if ARGUMENT.fullmatch(span) else span, names)
