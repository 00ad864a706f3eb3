"""What the site is rendered from: the pages of docs, and one for each file or folder of the repository they link to."""

import ast
import os
import re
import shutil
from pathlib import Path

LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)\s#]+)")
CODE = re.compile(r"(^ *(`{3,})[^`\n]*\n.*?^ *\2$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)
SHOWN = {".py": "python", ".toml": "toml", ".yml": "yaml", ".cff": "yaml", "": "text"}
"""How the text of a file is coloured; other files are copied as they are."""


def gather(root: Path, target: Path) -> None:
    """Write all pages to a folder."""
    docs = root / "docs"
    shutil.copytree(docs, target, ignore=shutil.ignore_patterns("*.md", "*.py", "__pycache__", "site"))
    waiting = dict.fromkeys([*sorted(docs.rglob("*.md")), docs / "decisions"])
    done = set()
    while waiting:
        done.add(path := next(iter(waiting)))
        del waiting[path]
        place = target / place_of(root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() or path.suffix in (".md", *SHOWN):
            text, linked = with_links_to_pages(root, path, text_of(path))
            place.write_text(text, encoding="utf-8")
            waiting.update(dict.fromkeys(other for other in linked if other not in done))
        else:
            shutil.copy(path, place)


def place_of(root: Path, path: Path) -> Path:
    """Where the page of a file lies among the pages."""
    inside = path.relative_to(root)
    if inside.parts[0] == "docs" and path.suffix != ".py":
        return Path(*inside.parts[1:], "index.md") if path.is_dir() else Path(*inside.parts[1:])
    if inside == Path("README.md"):
        return Path("index.md")
    if path.is_dir():
        return Path("files", inside, "index.md")
    return Path("files", f"{inside}.md" if path.suffix in SHOWN else inside)


def with_links_to_pages(root: Path, path: Path, text: str) -> tuple[str, list[Path]]:
    """A page whose links lead to pages, and what has to become a page for that."""
    here = place_of(root, path).parent
    linked = []

    def replaced(match: re.Match[str]) -> str:
        target = Path(os.path.normpath((path if path.is_dir() else path.parent) / match[1]))
        if not target.exists() or not target.is_relative_to(root):
            return match[1]  # which the checks will find
        if target != root / "README.md":
            linked.append(target)
        return Path(os.path.relpath(place_of(root, target), here)).as_posix()

    parts = CODE.split(text)
    prose = [LINK.sub(replaced, part) for part in parts[::3]]
    code = [*parts[1::3], ""]
    return "".join(word for pair in zip(prose, code, strict=True) for word in pair), linked


def text_of(path: Path) -> str:
    """A page: of Markdown itself, the text of a file, or what is in a folder."""
    if path.is_dir():
        return listing(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall(r"`+", text) or ["`"]))
    unsearched = "---\nsearch:\n  exclude: true\n---\n\n"
    return f"{unsearched}# {path.name}\n\n{fence}{SHOWN[path.suffix]}\n{text.rstrip()}\n{fence}\n"


def listing(folder: Path) -> str:
    """What is in a folder, below its README."""
    readme = folder / "README.md"
    head = readme.read_text(encoding="utf-8").rstrip() if readme.exists() else f"# {folder.name.capitalize()}"
    files = [path for path in sorted(folder.iterdir()) if path.suffix in (".py", ".md") and path != readme]
    rows = [f"| [{path.name}]({path.name}) | {first_line(path)} |" for path in files if path.name != "__init__.py"]
    return "\n".join([head, "", "| file | what it is |", "| --- | --- |", *rows, ""]) if rows else f"{head}\n"


def first_line(path: Path) -> str:
    """What a file says of itself: the first line of its docstring, or its heading."""
    text = path.read_text(encoding="utf-8")
    said = (ast.get_docstring(ast.parse(text)) or "") if path.suffix == ".py" else text.lstrip("# ")
    return said.partition("\n")[0].replace("|", "\\|")
