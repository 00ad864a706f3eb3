"""The pictures of the course are what its command makes."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

COURSE = Path(__file__).resolve().parent.parent / "docs" / "course"


def course_pictures():
    spec = spec_from_file_location("course_pictures", COURSE / "pictures.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


pictures = course_pictures()


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


def test_the_step_through_is_what_the_command_makes():
    pytest.importorskip("fast_sugiyama")
    kept = (COURSE / "pictures" / "5-backward.html").read_text(encoding="utf-8")
    assert seen(kept) == seen(pictures.step_through())
    assert len(kept.encode()) < 500_000


def test_every_picture_is_shown():
    pages = "".join(page.read_text(encoding="utf-8") for page in sorted(COURSE.glob("*.md")))
    kept = sorted(path.name for path in (COURSE / "pictures").iterdir())
    assert kept == sorted({*re.findall(r"\]\(pictures/([^)]+)\)", pages)})
