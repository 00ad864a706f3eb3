"""The little of SVG that every picture needs: escaped tags, texts that fit, the colours of all pages, a PNG."""

import re
import sys
from html import escape
from importlib.resources import files
from unicodedata import east_asian_width

from miniflow_xp.system.packages import needed

NAMESPACE = "http://www.w3.org/2000/svg"
LETTER = 6.7  # width of a digit of 10.5 px, in a wide font
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")  # which XML does not take


def tag(name: str, *content: str, **attributes: object) -> str:
    """An element; ``class_`` and ``stroke_width`` become class and stroke-width, numbers have one decimal."""
    words = [f'{k.rstrip("_").replace("_", "-")}="{spell(v)}"' for k, v in attributes.items() if v is not None]
    start = " ".join([name, *words])
    return f"<{start}>{''.join(content)}</{name}>" if content else f"<{start}/>"


def spell(value: object) -> str:
    """A value of an attribute."""
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else text(str(value))


def text(words: str) -> str:
    """A text as it stands in an element or an attribute."""
    return escape(printable(words))


def printable(words: str) -> str:
    """A text without what XML does not take."""
    return CONTROLS.sub("\ufffd", words)


def label(x: float, y: float, words: str, **attributes: object) -> str:
    """A text at a place."""
    return tag("text", text(words), x=x, y=y, **attributes)


def clipped(words: str, width: float, letter: float = LETTER) -> str:
    """So much of a text as fits."""
    most = max(3, int(width / letter))
    if letters(words) <= most:
        return words
    kept = words[: most - 1]
    while letters(kept) > most - 1:
        kept = kept[:-1]
    return kept + "…"


def letters(words: str) -> float:
    """How wide a text is, in usual letters: those of Chinese, Japanese and Korean are two, W and m nearly so."""
    return sum(
        2.0
        if east_asian_width(letter) in "WF"
        else 1.7
        if letter in "MWmw@%\ufffd"
        else 1.2
        if letter.isupper()
        else 1.0
        for letter in words
    )


def beside(package: str | None, name: str) -> str:
    """The text of a file that lies beside the modules of a package: ``beside(__package__, "page.css")``."""
    return files(package or "").joinpath(name).read_text(encoding="utf-8")


def colours() -> str:
    """The style sheet that gives the variables of all pages their colours, in light and in dark."""
    return beside(__package__, "colours.css")


def in_light(words: str) -> str:
    """A picture, or a style sheet, with the colours that its variables have in light: not every program knows them."""
    found = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", colours().split("@media")[0]))
    return re.sub(r"var\((--[\w-]+)\)", lambda m: found[m[1]], words)


def png(svg: str, scale: float = 1.0) -> bytes:
    """The picture on white, by resvg; raises PackageMissingError where resvg_py is not installed."""
    resvg = needed("resvg_py", "figures as PNG", "'miniflow_xp[report]'", "it turns SVG into PNG")
    font = {"win32": "Arial", "darwin": "Helvetica"}.get(sys.platform, "DejaVu Sans")  # another one if it is missing
    return bytes(resvg.svg_to_bytes(svg_string=svg, background="white", sans_serif_family=font, zoom=scale))
