"""What the terminal is told of a run: the sentences with which its page begins, too."""

from miniflow_xp.programs.bench.findings.choices import choices
from miniflow_xp.programs.bench.findings.run import Run, named
from miniflow_xp.programs.bench.findings.trust import hedged, spoken
from miniflow_xp.programs.bench.findings.verdicts import networks, verdicts
from miniflow_xp.programs.bench.record import Record


def sentences(record: Record) -> list[str]:
    """How far to trust the run, what to use, the other verdicts, and what was left out."""
    run = Run(record)
    return [
        *lead(run),
        *(hedged(run, str(one)) if one.subject else one.text for one in verdicts(run)),
        *(f"{state.capitalize()}, {why}: {named(cells)}." for state, why, cells in run.left_out),
    ]


def lead(run: Run) -> list[str]:
    """How far to trust the run and what would mend that, then what to use for which size, and what the network is."""
    return [*spoken(run), *(hedged(run, one) for one in choices(run)), *filter(None, [networks(run)])]
