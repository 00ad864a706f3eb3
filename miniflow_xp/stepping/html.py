"""A step as HTML; whatever comes from the graph goes through ``text``."""

import re
from collections.abc import Callable, Iterable, Mapping

from miniflow_xp.node import Node
from miniflow_xp.stepping.numbers import form, table
from miniflow_xp.stepping.told import MARKS, Handed, Named, Told, judged
from miniflow_xp.system.svg import text

MINUS = re.compile(r"(?<!\w)-|(?<=\de)-(?=\d)")

Keys = Callable[[Node], str]
"""The keys of the boxes that show a node: its own, and those of the groups around it."""


def section(number: int, step: Told, names: Mapping[Node, str], keys: Keys) -> str:
    """A step; ``number`` is its place, from 1 on."""
    lit = " ".join(keys(node) for node in step.nodes)
    others = [handed.gradient for handed in step.handed] or step.came  # of a leaf, whence its gradient comes
    beside = " ".join(keys(other.node) for other in others)
    state = f" {step.verdict.word}" if step.verdict is not None else ""
    words = "" if step.direction == "fed" else f'<span class="direction">{step.direction}</span> '
    return (
        f'<section class="step {step.direction}{state}" id="step-{number}" aria-labelledby="title-{number}"'
        f' data-direction="{step.direction}" data-boxes="{text(lit)}" data-beside="{text(beside)}">'
        f'<h2 id="title-{number}"><span class="number">{number}</span> {words}{text(step.title)}</h2>'
        f"{verdict(step, names)}<div class='sides'><div class='numbers'>{numbers(step)}</div>{sources_of(step)}</div>"
        "</section>"
    )


def numbers(step: Told) -> str:
    """What comes in, the formula, and what goes out."""
    if step.direction == "fed":
        return arrays(step.made)
    if step.direction == "forward":
        computed = part("It computes", formula(step.formula, step.lines))
        return part("Comes in", arrays(step.came)) + computed + part("Goes out", arrays(step.made))
    came = part("Arrives", arrays(step.came)) if step.came else ""
    total = ""
    if step.total is not None and len(step.came) != 1:
        title = f"The sum of these {len(step.came)}" if step.came else "Here it begins: the cost's gradient of itself"
        total = part(title, arrays([step.total]))
    handed = "".join(part(f"Hands on to {step_name(h)}", hands_on(h)) for h in step.handed)
    whole = part("The whole gradient", arrays(step.made)) if step.made else ""
    note = f"<p class='note'>{math(step.note)}</p>" if step.note else ""
    return came + total + handed + whole + note


def step_name(handed: Handed) -> str:
    """To whom it goes."""
    return handed.gradient.name.removeprefix("∂")


def part(title: str, content: str) -> str:
    """A part of a step."""
    return f"<h3>{math(title)}</h3>{content}"


def formula(rule: str, lines: Iterable[str]) -> str:
    """A formula with names, and with numbers."""
    items = "".join(f"<li>{math(line)}</li>" for line in lines)
    return f"<p class='formula'>{math(rule)}</p>" + (f"<ul class='lines'>{items}</ul>" if items else "")


def hands_on(handed: Handed) -> str:
    """A gradient that is handed on, and how it comes about."""
    return formula(f"{handed.gradient.name} = {handed.rule}", handed.lines) + arrays([handed.gradient])


def arrays(given: Iterable[Named]) -> str:
    """Arrays side by side."""
    return f"<div class='arrays'>{''.join(array(one) for one in given)}</div>"


def array(given: Named) -> str:
    """An array as a table; elements that are wrong are marked, with the right number."""
    shown = table(given.array)
    rows = "".join(
        "<tr>"
        + "".join(cell(word, given.wrong.get(place)) for word, place in zip(words, places, strict=True))
        + "<td>…</td>" * shown.wide
        + "</tr>"
        for words, places in zip(shown.rows, shown.places, strict=True)
    )
    below = "<tr><td>⋮</td></tr>" * shown.long
    more = f"<br>{math(shown.more)}" if shown.more else ""
    caption = f"<b>{math(given.name)}</b> <span>{text(form(given.array))}{more}</span>"
    words = text(f"{given.name} {form(given.array)}")
    return (
        f"<figure class='array'><figcaption>{caption}</figcaption><div class='scroll'>"
        f"<table aria-label='{words}'><tbody>{rows}{below}</tbody></table></div></figure>"
    )


def cell(word: str, expected: float | None) -> str:
    """A number; a wrong one with the right one."""
    if expected is None:
        return f"<td>{math(word)}</td>"
    return f"<td class='off'><b>✗ {math(word)}</b><small>right: {math(f'{expected:.4g}')}</small></td>"


def verdict(step: Told, names: Mapping[Node, str]) -> str:
    """Is it right? Not by colour alone."""
    if step.verdict is None:
        return ""
    first, *rest = judged(step.verdict, names)
    items = "".join(f"<li>{math(line)}</li>" for line in rest)
    mark = f"<span aria-hidden='true'>{MARKS[step.verdict.word]}</span> "
    return (
        f"<div class='verdict {step.verdict.word}'><p>{mark}{math(first.rstrip())}</p>"
        + (f"<ul>{items}</ul>" if items else "")
        + "</div>"
    )


def sources_of(step: Told) -> str:
    """The source beside the numbers."""
    return "".join(
        f"<div class='source'><h3>Runs <code>{text(name)}</code></h3><pre><code>{text(source)}</code></pre></div>"
        for name, source in step.sources.items()
    )


def math(words: str) -> str:
    """A formula, or a sentence, with true minus signs."""
    return text(MINUS.sub("−", words))
