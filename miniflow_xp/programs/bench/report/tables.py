"""Tables of numbers: nodes, break-even, first calls, peers, what is missing."""

from collections.abc import Iterator

from miniflow_xp.programs.bench.crossover import break_even
from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.outcome import TIE, UNCLEAR, winner
from miniflow_xp.programs.bench.findings.run import Comparison, Contest, Run, Series, named
from miniflow_xp.programs.bench.peers import BESIDE_PEERS
from miniflow_xp.programs.bench.record import Cell
from miniflow_xp.programs.bench.report.html import Entry, Row, escape, table

SIGN = {TIE: " = ", UNCLEAR: " ? "}
SIGNS = {"wins": "▲", "loses": "▼", "tie": "=", "unclear": "?"}


def nodes(run: Run) -> str:
    """Each node at its largest size on every backend, with the ratio to the reference."""
    found = [s for s in run.of("node") if s.is_measured]
    labels = [b for b in run.backends if any(b in s.labels for s in found)]
    rows: list[Row] = [[s.title, *node_row(run, s, largest(s, labels), labels)] for s in found]
    caption = (
        f"Single nodes at the largest size that all could be measured at; ratios: times as fast as {run.reference}"
    )
    return table(caption, ["Node", "Size", *labels], rows)


def largest(series: Series, labels: list[str]) -> Contest:
    """The largest case with the most labels measured."""
    return max(
        series.cases,
        key=lambda c: (sum(label in c.cells and bool(c.cells[label].times) for label in labels), c.size or 0),
    )


def node_row(run: Run, series: Series, case: Contest, labels: list[str]) -> Iterator[Entry]:
    """Size, then one entry a label."""
    yield Entry(escape(f"{series.axis} {place(case)}"), case.size)
    for label in labels:
        yield timed(run, case.cells.get(label), case.cells.get(run.reference))


def timed(run: Run, cell: Cell | None, reference: Cell | None) -> Entry:
    """Seconds, and how many times as fast as the reference."""
    if cell is None or cell.seconds is None:
        return Entry(escape((cell.why or cell.state) if cell else "–"))
    compared = run.compare(cell, reference)
    told = "" if compared is None else beside(compared, cell.is_floor)
    return Entry(f"{units.seconds(cell.seconds)}{told}", cell.seconds)


def beside(compared: Comparison, floor: bool) -> str:
    """▲ 3.1× (2.9–3.4); what is only a part of the work does not win."""
    if floor:
        return f" <small>a part of the work, {units.interval(compared.speedup)}</small>"
    sign = SIGNS[compared.verdict]
    return f' <small class="{compared.verdict}">{sign}&nbsp;{units.interval(compared.speedup)}</small>'


def peers(run: Run) -> str:
    """Each series of the peers: who takes how long at which size, against ours."""
    return "".join(peers_of(run, series) for series in run.of(*BESIDE_PEERS) if series.is_measured)


def peers_of(run: Run, series: Series) -> str:
    """Contestants are rows, for there are more of them than sizes."""
    rows: list[Row] = [
        [label, *(timed(run, c.cells.get(label), c.cells.get(run.rival(series, label))) for c in series.cases)]
        for label in series.labels
    ]
    caption = f"{series.title}: seconds a step; ratios: times as fast as ours on the same backend"
    return table(caption, ["Contestant", *(case.name for case in series.cases)], rows)


def payback(run: Run) -> str:
    """Steps until what is paid once is earned, at the smallest and the largest size where the backend wins."""
    rows: list[Row] = []
    for series in lasting(run, "step", "user"):
        for label, rival in run.rivals(series):
            found = [row for c in series.cases if (row := payback_row(run, series, c, label, rival)) is not None]
            rows += found[:1] + found[1:][-1:]
    head = ["Workload", "Backend", "Gain a step", "Paid once", "Steps to break even"]
    caption = (
        "Break-even at the smallest and the largest size that wins. Paid once: start of library and device, data to "
        "the device, and what the first call takes above a later one; less those of the reference"
    )
    return table(caption, head, rows)


def lasting(run: Run, *families: str) -> list[Series]:
    """Series whose later steps find prepared what the first one did; a step that is captured anew finds nothing."""
    return [series for series in run.of(*families) if series.residence != "once"]


def payback_row(run: Run, series: Series, case: Contest, label: str, rival: str) -> Row | None:
    """None unless the label wins and both first calls are known."""
    cell, other = case.cells.get(label), case.cells.get(rival)
    compared = run.compare(cell, other)
    if cell is None or other is None or compared is None or compared.verdict != "wins":
        return None
    if cell.once is None or other.once is None or cell.seconds is None or other.seconds is None:
        return None
    gain = other.seconds * (1 - 1 / compared.speedup.estimate)
    once = cell.once + run.start(cell) - other.once - run.start(other)
    steps = break_even(once, gain)
    if steps is None:
        return None
    paid = units.seconds(once) if once > 0 else "nothing more"
    words = "from the first" if steps <= 1 else f"{steps:,}".replace(",", "\u202f")
    return [
        f"{series.title}, {case.name}",
        label,
        Entry(units.seconds(gain), gain),
        Entry(paid, once),
        Entry(words, float(steps)),
    ]


def first_calls(run: Run) -> str:
    """Start, data to the device, first call, capture and a step of each series at its largest size."""
    rows: list[Row] = []
    for series in lasting(run, "step", "user", "capture"):
        for label in series.labels:
            cells = [case.cells[label] for case in series.cases if label in case.cells]
            known = [c for c in cells if c.seconds and (c.first_call_s is not None or c.capture_s is not None)]
            if known:
                rows.append([f"{series.title}, {known[-1].case}", label, *call_row(run, known[-1])])
    head = ["Workload", "Backend", "Start", "Upload", "First call", "of it capture", "A later step", "First / later"]
    caption = (
        "What is paid once, at the largest size. Start: import of the library, first use of its device and a first "
        "small step, in a fresh process; upload: the data to the device"
    )
    return table(caption, head, rows)


def call_row(run: Run, cell: Cell) -> Iterator[Entry]:
    """Start, upload, first call, capture, step, ratio of the first to a later one."""
    yield duration(run.start(cell) or None)
    yield duration(cell.upload_s)
    yield duration(cell.first_call_s)
    yield duration(cell.capture_s)
    yield duration(cell.seconds)
    ratio = cell.first_call_s / cell.seconds if cell.first_call_s is not None and cell.seconds else None
    yield Entry("–") if ratio is None else Entry(f"{units.digits(ratio, 2)}×", ratio)


def duration(seconds: float | None) -> Entry:
    """A time, or a dash."""
    return Entry("–") if seconds is None else Entry(units.seconds(seconds), seconds)


def missing(run: Run) -> str:
    """Cells that were skipped or failed, by reason."""
    rows: list[Row] = [
        [why, state, Entry(str(len(cells)), float(len(cells))), Entry(escape(named(cells)))]
        for state, why, cells in run.left_out
    ]
    return table("Not measured", ["Reason", "State", "Cells", "Which"], rows)


def ties(run: Run) -> str:
    """Cases without a single winner."""
    rows: list[Row] = []
    for series in run.of("step", "user", "peers", "capture", "node"):
        groups: dict[str, list[str]] = {}
        for case in series.cases:
            found = winner(run, case)
            if found.kind in SIGN:
                groups.setdefault(SIGN[found.kind].join(sorted(found.labels)), []).append(place(case))
        rows += [[series.title, who, f"{series.axis} {', '.join(places)}"] for who, places in groups.items()]
    caption = "No single winner: ties (=), and differences that the noise hides (?)"
    return table(caption, ["Workload", "Who", "Where"], rows)


def place(case: Contest) -> str:
    """The size of a case, or its name."""
    return units.size(case.size) if case.size is not None else case.name
