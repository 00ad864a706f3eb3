"""An array in a box: its numbers, a heat map or a histogram, and what is told below."""

from dataclasses import dataclass

from miniflow_xp.drawing.summary import Summary, spelled
from miniflow_xp.system.svg import label, letters, tag

WORD, DIGIT = 6.7, 6.5  # widths of a letter of the small texts, and of a number
LINE = 15.0
CELL = 7.0
PLOT = (96.0, 34.0)  # of a histogram


@dataclass(frozen=True)
class Panel:
    """An array below a caption."""

    caption: str
    array: Summary

    @property
    def told(self) -> list[str]:
        """The lines below the picture."""
        array = self.array
        lines = [] if array.numbers else [f"{word} {spelled(end)}" for word, end in array.ends]
        return lines + unusual(array) + (["no elements"] if 0 in array.shape else [])

    @property
    def picture(self) -> tuple[float, float]:
        """Its extent."""
        array = self.array
        if array.numbers:
            widths = [max(map(len, column)) for column in zip(*array.numbers, strict=True)]
            return (sum(widths) + 2 * (len(widths) - 1)) * DIGIT, LINE * len(array.numbers)
        if array.cells:
            return CELL * len(array.cells[0]), CELL * len(array.cells) + 2
        return PLOT if array.bins else (0.0, 0.0)

    @property
    def width(self) -> float:
        """With its texts."""
        return max(self.picture[0], *(letters(words) * WORD for words in (self.caption, *self.told)))

    @property
    def height(self) -> float:
        """With its texts."""
        return 14.0 + self.picture[1] + 13.0 * len(self.told)

    def svg(self, x: float, y: float) -> str:
        """It, with its upper left corner there."""
        middle = x + self.width / 2
        left, top = middle - self.picture[0] / 2, y + 14
        below = top + self.picture[1] + 10
        odd = unusual(self.array)
        return "".join(
            [
                label(middle, y + 9, self.caption, class_="small", text_anchor="middle"),
                numbers(self.array, left, top) or heat(self.array, left, top) or bars(self.array, left, top),
                *(
                    label(middle, below + 13 * n, line, class_="odd" if line in odd else "small", text_anchor="middle")
                    for n, line in enumerate(self.told)
                ),
            ]
        )


def unusual(array: Summary) -> list[str]:
    """What is told of numbers that are not finite."""
    return [f"⚠ {words}" for words in array.odd]


def numbers(array: Summary, x: float, y: float) -> str:
    """The numbers in columns, each ending at its right edge."""
    parts = []
    widths = [max(map(len, column)) for column in zip(*array.numbers, strict=True)]
    for column in range(len(widths)):
        right = x + (sum(widths[: column + 1]) + 2 * column) * DIGIT
        for row, cells in enumerate(array.numbers):
            parts.append(label(right, y + LINE * row + 11, cells[column], class_="number", text_anchor="end"))
    return "".join(parts)


def heat(array: Summary, x: float, y: float) -> str:
    """A heat map in four depths: what is positive as full squares, what is negative as small ones, NaN as crosses."""
    paths: dict[str, list[str]] = {}
    for row, cells in enumerate(array.cells):
        for column, part in enumerate(cells):
            left, top = x + CELL * column, y + CELL * row
            if part is None:
                paths.setdefault("cross", []).append(f"M{left + 1:.1f} {top + 1:.1f}l5 5m0-5l-5 5")
            elif depth := round(4 * abs(part)):
                inset, side = (0.5, 6) if part > 0 else (1.5, 4)
                sign = "plus" if part > 0 else "minus"
                corner = f"M{left + inset:.1f} {top + inset:.1f}"
                paths.setdefault(f"{sign} d{depth}", []).append(f"{corner}h{side}v{side}h-{side}z")
    rows, columns = len(array.cells), len(array.cells[0]) if array.cells else 0
    frame = tag("rect", class_="frame", x=x, y=y, width=CELL * columns, height=CELL * rows) if rows else ""
    return frame + "".join(tag("path", class_=kind, d="".join(paths[kind])) for kind in sorted(paths))


def bars(array: Summary, x: float, y: float) -> str:
    """A histogram; a bin that holds anything has a height."""
    most = max(array.bins, default=0)
    width, height = PLOT
    step = width / len(array.bins) if most else 0.0
    path = "".join(
        f"M{x + step * n:.1f} {y + height:.1f}v-{max(1.0, (height - 2) * count / most):.1f}h{step - 0.8:.1f}"
        f"V{y + height:.1f}z"
        for n, count in enumerate(array.bins)
        if count
    )
    base = tag("path", class_="frame", d=f"M{x:.1f} {y + height:.1f}h{width:.1f}")
    return tag("path", class_="bar", d=path) + base if most else ""
