"""What is wrong with a site: links and anchors that lead nowhere, and whatever a page would fetch from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "object": "data",
}
"""Elements that fetch, and the attribute that says what; of links, those that are not for people."""
NAMED = {"canonical", "alternate", "license", "next", "prev", "edit"}
"""Relations of a link that fetch nothing."""
STYLED = re.compile(r"(?:@import\s+(?:url\()?|url\()\s*[\"']?((?:https?:)?//[^\"')\s]+)")


class Page(HTMLParser):
    """The anchors of a page, where its links lead, and what it fetches."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        self.anchors |= {said[name] for name in ("id", "name") if name in said}
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        elif tag == "link" and not NAMED & set(said.get("rel", "").split()):
            self.fetched.append(said.get("href", ""))
        elif tag in FETCHED and FETCHED[tag] in said:
            self.fetched.append(said[FETCHED[tag]])


def problems(site: Path) -> list[str]:
    """What is wrong, one line each."""
    site = site.resolve()
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        if path.name == "404.html":
            continue  # its links are absolute, as it may be shown anywhere
        name = path.relative_to(site)
        found += [f"{name}: fetches {url}" for url in page.fetched if urlsplit(url).netloc]
        found += [f"{name}: no file for {url}" for url in page.fetched if not reached(path, url).exists()]
        found += [f"{name}: the link {link} {wrong}" for link in page.links if (wrong := astray(pages, path, link))]
    for path in sorted(site.rglob("*.css")):
        foreign = STYLED.findall(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(site)}: fetches {url}" for url in foreign]
    return found


def reached(path: Path, url: str) -> Path:
    """The file that a URL on a page means; of another site, the page itself."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or not parts.path:
        return path
    return (path.parent / unquote(parts.path)).resolve()


def astray(pages: dict[Path, Page], path: Path, link: str) -> str:
    """What is wrong with a link, or nothing."""
    target = reached(path, link)
    if target.is_dir():
        target /= "index.html"
    if not target.exists():
        return "leads to no file"
    anchor = unquote(urlsplit(link).fragment)
    if urlsplit(link).netloc or not anchor or target.suffix != ".html" or anchor in pages[target].anchors:
        return ""
    return "has an anchor that is not there"
