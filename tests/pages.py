"""The documents: README, CONTRIBUTING, CHANGELOG, and every page below docs."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = sorted((ROOT / "docs").rglob("*.md"))
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *PAGES]
READ = [path for path in DOCUMENTS if path.name != "CHANGELOG.md" and path not in DECISIONS]
"""What a user reads today: not what was decided or changed once."""


def text_of(document: Path) -> str:
    """What a document says."""
    return document.read_text(encoding="utf-8")


def name_of(document: Path) -> str:
    """Where it lies, for the id of a test."""
    return document.relative_to(ROOT).as_posix()
