"""What a run says, in sentences."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from miniflow_xp.programs.bench.cases import WAYS
from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.outcome import Against, duels
from miniflow_xp.programs.bench.findings.run import Comparison, Run, Series
from miniflow_xp.programs.bench.findings.texts import text
from miniflow_xp.programs.bench.peers import BESIDE_PEERS
from miniflow_xp.programs.bench.statistics import Ratio

FIRST = ("step", "user")  # families whose series have a sentence each; others are counted


class Sentence(NamedTuple):
    """``kind`` is wins, loses, tie, unclear or note; ``subject`` who against whom, or nothing."""

    kind: str
    text: str
    subject: str = ""

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}" if self.subject else self.text


def verdicts(run: Run) -> list[Sentence]:
    """Who against whom: the first series of training steps in full, others counted; then what the words mean."""
    groups: dict[str, list[Sentence]] = {}
    for sentence in (*steps(run), *nodes(run)):
        groups.setdefault(sentence.subject, []).append(sentence)
    pairs = [s for group in groups.values() for s in group]
    return [*pairs, *capture(run), *peers(run), *not_used(run), *gpu(run), *cores(run), *floor(run)]


NETWORKS = {
    "step": "A training step is one of a network batch × width → width … → 1, its depth layers of sigmoids under the "
    "mean squared error: forward, backward and a step of gradient descent, in float32",
    "user": "A training step is one of your own graph, as {series} builds it",
    "peers": "Its peers train n × d → h → h → 1 in the same way",
    "functions": "A gradient is one of a model that is written as a function, with its value, in float64",
}


def networks(run: Run) -> str:
    """What was trained, and where its data lay, in a line."""
    told = [
        words.format(series=" and ".join(dict.fromkeys(series.name for series in found)))
        for family, words in NETWORKS.items()
        if (found := run.of(family))
    ]
    return f"{'. '.join([*told, *uses(run)])}." if told else ""


def uses(run: Run) -> Iterator[str]:
    """What the titles' words for where the data lie mean, where there are several."""
    found = dict.fromkeys(series.residence for series in run.of(*FIRST))
    if len(found) > 1:
        words = "; ".join(f"{way}: {WAYS[way]}" for way in found if way in WAYS)
        yield f"{words[:1].upper()}{words[1:]}"


def steps(run: Run) -> Iterator[Sentence]:
    """For each two the first series, which is the most telling one, in full, and a count of all; all of a user's."""
    groups: dict[tuple[str, str], list[tuple[Series, Against]]] = {}
    for series in run.of(*FIRST):
        for found in duels(run, series):
            groups.setdefault((found.label, found.rival), []).append((series, found))
    for (label, rival), group in groups.items():
        subject = f"{label} against {rival}"
        own = group[0][0].family == "user"
        for series, found in group if own else group[:1]:
            yield Sentence(kind(found), f"{series.title}: {clause(run, found, series.axis)}", subject)
        if len(group) > 1 and not own:
            ends = [Counter(one.points[place][1].verdict for _, one in group) for place in (-1, 0)]
            words = f"at the largest size {counted(ends[0])}; at the smallest {counted(ends[1])}"
            yield Sentence(leader(ends[0]), f"all {len(group)} series of training steps: {words}.", subject)


def kind(found: Against) -> str:
    """The verdict at the largest size."""
    return found.points[-1][1].verdict


def clause(run: Run, found: Against, axis: str) -> str:
    """From which size on, and by how much."""
    largest, last = found.points[-1]
    smallest, first = found.points[0]
    known = f", floor {units.percent(run.floor)}" if run.floor is not None else ""
    told = f"{said(found, axis)}. At {at(axis, largest.size, last)}{known}"
    both = first.verdict == "loses" and last.verdict != "loses"
    return f"{told}; at {at(axis, smallest.size, first)}." if both else f"{told}."


def said(found: Against, axis: str) -> str:
    """The crossover, with ties and losses called by their names."""
    if len(found.points) == found.count("tie"):
        return "a tie at every size measured"
    if len(found.points) == found.count("loses"):
        return f"slower at every size measured, up to {axis} = {last_size(found)}"
    return str(found.crossover).replace(" size ", f" {axis} ", 1)


def last_size(found: Against) -> str:
    """The largest size that was compared."""
    return units.spoken(found.points[-1][0].size or 0.0)


def at(axis: str, size: float | None, compared: Comparison) -> str:
    """batch = 1024 it is 3.1× (2.9–3.4) as fast, 16 pairs."""
    speedup = compared.speedup
    where = f"{axis} = {units.spoken(size)}" if size is not None else "the largest size"
    return f"{where} {in_words(speedup, compared.verdict)}, {speedup.pairs} pairs"


def in_words(speedup: Ratio, verdict: str) -> str:
    """Losses are told as the longer time."""
    if verdict == "loses":
        return f"it takes {units.interval(speedup.inverse)} as long"
    doubt = "which the noise does not let decide" if speedup.bounded else "which so few rounds do not let decide"
    end = {"tie": ", a tie", "unclear": f", {doubt}"}.get(verdict, "")
    return f"it is {units.interval(speedup)} as fast{end}"


def gpu(run: Run) -> Iterator[Sentence]:
    """Say so where no GPU was measured."""
    if any(is_gpu(c.backend) and c.times for c in run.cells):
        return
    yield Sentence("note", "No GPU was measured: this run says nothing about one.")


def not_used(run: Run) -> Iterator[Sentence]:
    """The backends that were asked for and could not be used, and why."""
    for name, participant in run.record.backends.items():
        if not participant.usable:
            yield Sentence("note", f"{text(name)} was not measured: {text(participant.describe)}.")


def cores(run: Run) -> Iterator[Sentence]:
    """Say so where the run had a part of the machine."""
    machine = run.record.environment.machine
    usable, there = machine.usable_cores, machine.cores
    if usable is not None and there is not None and usable < there:
        yield Sentence("note", f"The run used {usable:g} of {there:g} cores: with all of them, other sizes may win.")


def is_gpu(backend: str) -> bool:
    """CuPy, and devices that are not the CPU."""
    name, _, device = backend.partition(":")
    return name == "cupy" or device.startswith(("cuda", "gpu"))


def nodes(run: Run) -> Iterator[Sentence]:
    """How many nodes each backend wins at their largest size."""
    for (label, rival), count in by_pair(run, run.of("node")).items():
        total = sum(count.values())
        yield Sentence(
            leader(count),
            f"{total} series of single nodes at their largest size: {counted(count)}.",
            f"{label} against {rival}",
        )


def capture(run: Run) -> Iterator[Sentence]:
    """Captured steps against the plain loop, in one sentence."""
    told = [
        f"{series.backend(found.label)} {short(found.points[0][1])} at {series.axis} = {first_size(found)}"
        for series in run.of("capture")
        for found in duels(run, series)
    ]
    if told:
        yield Sentence("note", f"{'; '.join(told)}.", "Captured step against the plain loop")


def first_size(found: Against) -> str:
    """The smallest size that was compared: there capture saves the most."""
    return units.spoken(found.points[0][0].size or 0.0)


def short(compared: Comparison) -> str:
    """2.1× (2.0–2.2), or a tie."""
    return units.interval(compared.speedup) + {"tie": ", a tie", "unclear": ", unclear"}.get(compared.verdict, "")


def peers(run: Run) -> Iterator[Sentence]:
    """Ours against other packages, over all cases."""
    tally: dict[tuple[str, str], list[Comparison]] = {}
    for series in run.of(*BESIDE_PEERS):
        for label, ours in run.rivals(series):
            for case in series.cases:
                peer = case.cells.get(label)
                compared = run.compare(case.cells.get(ours), peer)
                if compared is not None and peer is not None and not peer.is_floor:
                    tally.setdefault((ours, label), []).append(compared)
    for (ours, label), found in sorted(tally.items(), key=lambda entry: entry[0][0]):  # those of one side together
        words = Counter(compared.verdict for compared in found)
        ends = sorted((compared.speedup for compared in found), key=lambda ratio: ratio.estimate)
        speeds = " to ".join(units.interval(ratio) for ratio in dict.fromkeys((ends[0], ends[-1])))
        cases = f"{len(found)} case{'s' * (len(found) > 1)}"
        yield Sentence(leader(words), f"against {label}, {cases}: {counted(words)}; {speeds} as fast.", ours)


def by_pair(run: Run, found: list[Series]) -> dict[tuple[str, str], Counter[str]]:
    """Verdicts at the largest size, counted by label and rival."""
    tally: dict[tuple[str, str], Counter[str]] = {}
    for series in found:
        for one in duels(run, series):
            tally.setdefault((one.label, one.rival), Counter())[kind(one)] += 1
    return tally


def leader(count: Counter[str]) -> str:
    """The verdict of more than half of them, else a note."""
    word, often = count.most_common(1)[0]
    return word if 2 * often > sum(count.values()) else "note"


def counted(count: Counter[str]) -> str:
    """5 wins, 1 tie, 2 losses."""
    words = {"wins": ("win", "wins"), "tie": ("tie", "ties"), "loses": ("loss", "losses"), "unclear": ("unclear",) * 2}
    return ", ".join(f"{count[v]} {one if count[v] == 1 else many}" for v, (one, many) in words.items() if count[v])


def floor(run: Run) -> Iterator[Sentence]:
    """What the words mean."""
    if run.floor is not None and any(run.rivals(s) for s in run.series):
        yield Sentence(
            "note",
            f"A win or a loss clears the floor of {units.percent(run.floor)} and 5 %; a tie lies within the larger "
            "of these. Intervals hold with 95 % confidence.",
        )
