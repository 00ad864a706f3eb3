"""What the terminal is told of a run: the sentences with which its page begins, too."""

from miniflow_xp.programs.bench.findings.choices import choices
from miniflow_xp.programs.bench.findings.run import Run, named
from miniflow_xp.programs.bench.findings.trust import hedged, spoken
from miniflow_xp.programs.bench.findings.verdicts import networks, not_used, verdicts
from miniflow_xp.programs.bench.record import Record


def sentences(record: Record) -> list[str]:
    """How far to trust the run, what to use, the other verdicts, and what was left out."""
    run = Run(record)
    return [
        *lead(record),
        *(hedged(run, str(one)) if one.subject else one.text for one in verdicts(run)),
        *(f"{state.capitalize()}, {why}: {named(cells)}." for state, why, cells in run.left_out),
    ]


def lead(record: Record) -> list[str]:
    """How far to trust the run and what would mend that, then what to use for which size, and what the network is."""
    run = Run(record)
    return [*spoken(run), *(hedged(run, one) for one in choices(run)), *filter(None, [networks(run)])]


def relied_on(record: Record, verdict: str) -> str:
    """A verdict on the run, and that it is not to be relied on where it is not."""
    return hedged(Run(record), verdict)


def unusable(record: Record) -> list[str]:
    """A sentence for each backend that was asked for and could not be used."""
    return [str(sentence) for sentence in not_used(Run(record))]
