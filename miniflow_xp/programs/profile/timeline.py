"""One pass as a strip: each call where it began and as long as it took, a lane for each direction."""

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.profile.figures import DIRECTIONS, Figures
from miniflow_xp.system.svg import clipped, label, tag, text

WIDTH, LEFT, RIGHT = 960.0, 78.0, 20.0
LANE, BAR = 30.0, 22.0
LEAST = 0.6  # width of a call, so that it is seen
TICKS = 4
LONGEST = 1e3  # of a name, if it were written out


def timeline(profile: Figures) -> str:
    """The picture."""
    there = {direction for _, direction, _, _ in profile.passes}
    lanes = {direction: n for n, direction in enumerate(d for d in DIRECTIONS if d in there)}
    scale = (WIDTH - LEFT - RIGHT) / profile.last.whole
    height = LANE * len(lanes) + 26
    parts = [tag("title", f"One pass of {units.seconds(profile.last.whole)}, call by call")]
    parts += [label(0.0, LANE * n + 17, direction, class_="soft") for direction, n in lanes.items()]
    for place, direction, begin, end in profile.passes:
        x, y = LEFT + begin * scale, LANE * lanes[direction] + 2
        width = max(LEAST, (end - begin) * scale)
        about = text(f"{clipped(place.name, LONGEST)}, {direction}: {units.seconds(end - begin)}")
        parts.append(tag("rect", tag("title", about), class_=direction, x=x, y=y, width=width, height=BAR))
    parts += axis(profile.last.whole, scale, LANE * len(lanes))
    box = f"0 0 {WIDTH:.0f} {height:.0f}"
    return tag("svg", *parts, class_="line", viewBox=box, role="img")


def axis(whole: float, scale: float, y: float) -> list[str]:
    """Times below the lanes."""
    step = whole / TICKS
    found = [tag("path", class_="axis", d=f"M{LEFT:.0f} {y:.0f}h{WIDTH - LEFT - RIGHT:.0f}")]
    for n in range(TICKS + 1):
        anchor = "end" if n == TICKS else "start" if n == 0 else "middle"
        found.append(label(LEFT + n * step * scale, y + 16, units.seconds(n * step), class_="soft", text_anchor=anchor))
    return found
