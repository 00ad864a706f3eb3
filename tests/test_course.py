"""The pictures of the course and of the design are what their command makes."""

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
COURSE = DOCS / "course"


def loaded(name):
    spec = spec_from_file_location(name, DOCS / "pictures" / f"{name}.py")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


floors = loaded("floors")  # which the next one imports
pictures = loaded("course")


def seen(svg):
    """What a picture says: its boxes, edges and words, wherever a layout has put them."""
    boxes = re.findall(r'data-key="([^"]+)"', svg)
    edges = re.findall(r'data-source="([^"]+)" data-target="([^"]+)"', svg)
    words = re.findall(r"<(?:text|tspan)[^>]*>([^<]*)<", svg)
    return sorted(boxes), sorted(edges), sorted(words)


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_pictures_are_what_the_command_makes(name):
    pytest.importorskip("fast_sugiyama")
    kept = (COURSE / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    made = pictures.PICTURES[name]().svg
    assert seen(kept) == seen(made)
    assert len(seen(kept)[0]) > 2


@pytest.mark.parametrize("name", pictures.PAGES)
def test_pages_are_what_the_command_makes(name):
    pytest.importorskip("fast_sugiyama")
    kept = (COURSE / "pictures" / f"{name}.html").read_text(encoding="utf-8")
    assert seen(kept) == seen(pictures.step_through(pictures.PAGES[name]))
    assert len(kept.encode()) < 500_000


def test_the_floors_are_what_the_command_makes():
    assert (DOCS / "design.svg").read_text(encoding="utf-8") == floors.svg() + "\n"


def test_every_picture_is_shown():
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted(COURSE.glob("*.md")))
    kept = sorted(path.name for path in (COURSE / "pictures").iterdir())
    assert kept == sorted({*re.findall(r"\]\(pictures/([^)]+)\)", pages)})
