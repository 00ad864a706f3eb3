"""What figures are made of: scales, markers, a framed plot."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import ceil, floor, log10

from miniflow_xp.system.svg import LETTER, clipped, label, tag, text

WIDTH = 360.0  # of a figure
BOLD = 7.6  # width of a letter of the title, in a wide font
MARKERS = 6
ROW = 15.0  # height of a row of text
BAR = 2.0  # half the width of an interval that has no neighbours


@dataclass(frozen=True)
class Log:
    """A logarithmic scale from ``low``…``high`` to ``start``…``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return self.start + share * (self.end - self.start)

    def decades(self, most: int = 7) -> list[float]:
        """1, 10, 100 …; with 2 and 5 where there are few; with gaps where there are many."""
        first, last = floor(log10(self.low)), ceil(log10(self.high))
        steps = (1.0, 2.0, 5.0) if log10(self.high / self.low) < 2 else (1.0,)
        ticks = [s * 10.0**k for k in range(first, last + 1) for s in steps]
        inside = [t for t in ticks if self.low * 0.999 <= t <= self.high * 1.001]
        return inside[:: max(1, ceil(len(inside) / most))]


def around(values: Iterable[float], start: float, end: float, room: float = 0.06) -> Log:
    """A scale that holds all values with some room; a single value sits in the middle."""
    kept = [v for v in values if v > 0]
    low, high = (min(kept), max(kept)) if kept else (1.0, 10.0)
    if high / low < 1.5:
        low, high = low / 1.5, high * 1.5
    margin = (high / low) ** room
    return Log(low / margin, high * margin, start, end)


def marker(x: float, y: float, style: "Style", title: str = "") -> str:
    """A dot of the style's shape; what it stands for is its title."""
    shapes = (
        f"M{x - 4:.1f} {y:.1f}a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
        f"M{x - 3.6:.1f} {y - 3.6:.1f}h7.2v7.2h-7.2z",
        f"M{x:.1f} {y - 4.8:.1f}l4.6 8h-9.2z",
        f"M{x:.1f} {y - 5.2:.1f}l5.2 5.2l-5.2 5.2l-5.2-5.2z",
        f"M{x:.1f} {y + 4.8:.1f}l4.6-8h-9.2z",
        f"M{x - 1.5:.1f} {y - 4.5:.1f}h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
    )
    about = [tag("title", text(title))] if title else []
    return tag("path", *about, class_=f"m {style.colour}{' o' * style.hollow}", d=shapes[style.number % MARKERS])


@dataclass(frozen=True)
class Style:
    """Colour, dash and marker of one label; ``hollow`` for a second contestant of a backend."""

    number: int
    hollow: bool = False

    @property
    def colour(self) -> str:
        """The class of the colour."""
        return f"s{self.number % MARKERS}"


def polyline(points: Sequence[tuple[float, float]], style: Style) -> str:
    """A line through the points."""
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return tag("path", class_=f"l {style.colour}{' o' * style.hollow}", d=f"M{path}") if len(points) > 1 else ""


def band(points: Sequence[tuple[float, float, float]], style: Style) -> str:
    """The area between two curves: (x, low, high); a single one has a bar."""
    if len(points) == 1:
        ((x, low, high),) = points
        points = [(x - BAR, low, high), (x + BAR, low, high)]
    there = "L".join(f"{x:.1f} {low:.1f}" for x, low, _ in points)
    back = "L".join(f"{x:.1f} {high:.1f}" for x, _, high in reversed(points))
    return tag("path", class_=f"a {style.colour}", d=f"M{there}L{back}z")


@dataclass
class Plot:
    """A framed plot: title, legend and ``room`` above it, numbers in its ``foot``; ``body`` is drawn in order."""

    title: str
    about: str
    legend: Sequence[tuple[str, Style]]
    left: float = 54.0
    height: float = 190.0
    room: float = 0.0
    foot: float = 40.0
    body: list[str] = field(default_factory=list)

    @property
    def right(self) -> float:
        """The right edge."""
        return WIDTH - 12.0

    @property
    def top(self) -> float:
        """The upper edge, below the legend."""
        return 26.0 + self.room + ROW * len(self._rows())

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height

    def _rows(self) -> list[list[tuple[str, Style]]]:
        """The legend in rows that fit."""
        rows: list[list[tuple[str, Style]]] = []
        used = WIDTH
        for words, style in self.legend:
            width = 40 + LETTER * len(clipped(words, WIDTH - 50))
            if used + width > WIDTH - 8:
                rows.append([])
                used = 0.0
            rows[-1].append((words, style))
            used += width
        return rows

    def _legend(self) -> Iterable[str]:
        for k, row in enumerate(self._rows()):
            x, y = 8.0, 30.0 + ROW * k
            for words, style in row:
                short = clipped(words, WIDTH - 50)
                yield polyline([(x, y), (x + 20, y)], style) + marker(x + 10, y, style)
                yield label(x + 25, y + 4, short)
                x += 40 + LETTER * len(short)

    def x_ticks(self, scale: Log, ticks: Sequence[tuple[float, str]], name: str) -> None:
        """Marks and numbers below the frame; those that would overlap are left out."""
        end = -100.0
        for value, words in ticks:
            x, half = scale(value), LETTER * len(words) / 2
            self.body.append(tag("path", class_="t", d=f"M{x:.1f} {self.bottom:.1f}v4"))
            if x - half > end + 4:
                self.body.append(label(min(x, WIDTH - half - 2), self.bottom + 16, words, text_anchor="middle"))
                end = x + half
        self.body.append(
            label((self.left + self.right) / 2, self.bottom + 32, clipped(name, 280), text_anchor="middle", class_="n")
        )

    def y_ticks(self, scale: Log, ticks: Sequence[tuple[float, str]]) -> None:
        """Grid lines with their numbers."""
        for value, words in ticks:
            y = scale(value)
            self.body.append(tag("path", class_="g", d=f"M{self.left:.1f} {y:.1f}H{self.right:.1f}"))
            self.body.append(label(self.left - 5, y + 4, words, text_anchor="end"))

    def svg(self) -> str:
        """The element; its texts carry the meaning for those who do not see it."""
        height = self.bottom + self.foot
        frame = tag(
            "rect", class_="f", x=self.left, y=self.top, width=self.right - self.left, height=self.bottom - self.top
        )
        return tag(
            "svg",
            tag("title", text(self.title)),
            tag("desc", text(self.about)),
            label(8, 15, clipped(self.title, WIDTH - 16, BOLD), class_="h"),
            *self._legend(),
            frame,
            *self.body,
            viewBox=f"0 0 {WIDTH:.0f} {height:.0f}",
            role="img",
            class_="plot",
        )
