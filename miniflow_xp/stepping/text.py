"""The steps as text, for a terminal."""

from collections.abc import Iterator, Mapping, Sequence

from miniflow_xp.node import Node
from miniflow_xp.stepping.numbers import form, table
from miniflow_xp.stepping.record import Record
from miniflow_xp.stepping.told import ALL_RIGHT, MARKS, SOME_WRONG, Named, Told, all_right, faulty, judged
from miniflow_xp.stepping.verdicts import Verdict


def text(record: Record, verdicts: Mapping[Node, Verdict], steps: Sequence[Told]) -> str:
    """All steps, one under the other, and what was found."""
    lines: list[str] = []
    direction = ""
    for number, step in enumerate(steps, 1):
        if step.direction != direction and step.direction != "fed":
            lines += ["", step.direction]
        direction = step.direction
        lines += [f"{number:3} {step.title}", *(f"      {line}" for line in body(step, record.names))]
    end = conclusion(record, verdicts, steps)
    return "\n".join([*lines, *(["", end] if end else [])])


def conclusion(record: Record, verdicts: Mapping[Node, Verdict], steps: Sequence[Told]) -> str:
    """What was found about all nodes; of a pass without a backward half, why there is none."""
    found = [f"{node.kind} {record.names[node]} (step {n})" for node, n in faulty(verdicts, steps)]
    if found:
        return f"{MARKS['wrong']} {SOME_WRONG} {', '.join(found)}"
    return f"{MARKS['right']} {ALL_RIGHT}" if all_right(verdicts) else record.why_forward_only


def body(step: Told, names: Mapping[Node, str]) -> Iterator[str]:
    """The lines of a step."""
    if step.formula:
        yield step.formula
    yield from (f"  {line}" for line in step.lines)
    for came in step.came if step.direction == "backward" else ():
        yield from array("arrives  ", came)
    if step.total is not None and len(step.came) != 1:
        yield from array("sum  " if step.came else "begins with  ", step.total)
    for made in step.made:
        yield from array("", made)
    for handed in step.handed:
        yield f"{handed.gradient.name} = {handed.rule}"
        yield from (f"  {line}" for line in handed.lines)
        yield from array("", handed.gradient)
    if step.note:
        yield step.note
    if step.verdict is not None:
        first, *rest = judged(step.verdict, names)
        yield f"{MARKS[step.verdict.word]} {first.rstrip()}"
        yield from (f"  {line}" for line in rest)


def array(label: str, given: Named) -> Iterator[str]:
    """An array in rows, behind its name."""
    shown = table(given.array)
    head = f"{label}{given.name}  {form(given.array)}"
    if shown.more:
        head += f", {shown.more}"
    if len(shown.rows) == 1 and not shown.more:
        yield f"{head}  " + " ".join(shown.rows[0])
        return
    yield head
    width = max((len(cell) for row in shown.rows for cell in row), default=0)
    yield from ("  " + " ".join(f"{cell:>{width}}" for cell in row) + " …" * shown.wide for row in shown.rows)
    if shown.long:
        yield "  …"
