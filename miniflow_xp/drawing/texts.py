"""A diagram as text for other programs: dot, which Graphviz draws, and Mermaid, which many pages draw."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from json import dumps

from miniflow_xp.drawing.cards import spelled_form, spelled_group, spelled_shape
from miniflow_xp.drawing.diagram import Box, Diagram, Group, by_key
from miniflow_xp.drawing.scene import leaves_of, visible
from miniflow_xp.drawing.summary import Summary, spelled
from miniflow_xp.system.svg import printable

DOT_FORMS = {
    "input": "shape=box, style=rounded",
    "parameter": "shape=box, peripheries=2",
    "constant": "shape=oval, style=dashed",
    "operation": "shape=box",
    "cost": "shape=hexagon, penwidth=2",
    "group": "shape=folder",
}
MERMAID_FORMS = {
    "input": ("([", "])"),
    "parameter": ("[[", "]]"),
    "constant": ("((", "))"),
    "operation": ("[", "]"),
    "cost": ("{{", "}}"),
    "group": ("[/", "/]"),
}
ENTITIES = {"&": "#amp;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "#": "#35;", "`": "#96;", "\\": "#92;"}


@dataclass(frozen=True)
class Form:
    """How a language writes a box, the head of a group, its end, and an edge, each from keys and lines of text."""

    box: Callable[[str, str, list[str]], str]
    head: Callable[[str, str], str]
    tail: str
    edge: Callable[[str, str, str], str]


def dot(diagram: Diagram, folded: Collection[str], title: str) -> str:
    """The diagram in dot; groups are clusters."""
    form = Form(
        lambda key, kind, lines: f"{quoted(key)} [label={quoted(*lines)}, {DOT_FORMS[kind]}];",
        lambda key, name: f"subgraph {quoted(f'cluster_{key}')} {{ label={quoted(name)};",
        "}",
        lambda source, target, shape: f"{quoted(source)} -> {quoted(target)} [label={quoted(shape)}];",
    )
    head = f'digraph {quoted(title)} {{\n  node [fontname="Helvetica"];\n  edge [fontname="Helvetica", fontsize=10];\n'
    return head + "".join(f"  {line}\n" for line in written(diagram, folded, form)) + "}\n"


def mermaid(diagram: Diagram, folded: Collection[str], title: str) -> str:
    """The diagram in Mermaid; groups are subgraphs."""

    def box(key: str, kind: str, lines: list[str]) -> str:
        left, right = MERMAID_FORMS[kind]
        return f'{named(key)}{left}"{"<br>".join(map(encoded, lines))}"{right}'

    def edge(source: str, target: str, shape: str) -> str:
        return f"{named(source)} -->{f'|{chr(34)}{encoded(shape)}{chr(34)}|' if shape else ''} {named(target)}"

    form = Form(box, lambda key, name: f'subgraph {named(key)}["{encoded(name)}"]', "end", edge)
    lines = "".join(f"  {line}\n" for line in written(diagram, folded, form))
    return f"---\ntitle: {dumps(printable(title))}\n---\nflowchart TD\n{lines}"


def written(diagram: Diagram, folded: Collection[str], form: Form) -> Iterator[str]:
    """The lines: boxes in their groups, then edges."""
    groups, boxes = by_key(diagram.groups), by_key(diagram.boxes)
    leaf = leaves_of(diagram, folded)
    inside: dict[str | None, list[str]] = {None: []}
    for thing in dict.fromkeys(leaf.values()):
        put(thing, (boxes[thing].group if thing in boxes else groups[thing].parent), groups, inside)
    yield from nested(None, inside, boxes, groups, form)
    for edge in visible(diagram.edges, leaf):
        yield form.edge(edge.source, edge.target, spelled_shape(edge.shape))


def put(thing: str, around: str | None, groups: Mapping[str, Group], inside: dict[str | None, list[str]]) -> None:
    """Enter a thing in its group, and that in the one around it."""
    if around is not None and around not in inside:
        put(around, groups[around].parent, groups, inside)
    inside.setdefault(around, []).append(thing)


def nested(
    key: str | None,
    inside: Mapping[str | None, list[str]],
    boxes: Mapping[str, Box],
    groups: Mapping[str, Group],
    form: Form,
) -> Iterator[str]:
    """What is in a group, open ones in it too."""
    for thing in inside[key]:
        if thing in inside:
            yield form.head(thing, spelled_group(groups[thing]))
            yield from (f"  {line}" for line in nested(thing, inside, boxes, groups, form))
            yield form.tail
        elif thing in boxes:
            yield form.box(thing, boxes[thing].kind, lines_of(boxes[thing]))
        else:
            yield form.box(thing, "group", [spelled_group(groups[thing])])


def lines_of(box: Box) -> list[str]:
    """What stands in a box."""
    lines = [box.name]
    if box.operation != box.name:
        lines.append(box.operation)
    lines.append(spelled_form(box))
    lines += [f"{word} {told(array)}" for word, array in (("value", box.value), ("gradient", box.gradient)) if array]
    return [line for line in lines if line]


def told(array: Summary) -> str:
    """An array in a line."""
    if array.numbers:
        return "; ".join(" ".join(row) for row in array.numbers)
    return ", ".join([*(f"{word} {spelled(end)}" for word, end in array.ends), *array.odd]) or "no elements"


def quoted(*lines: str) -> str:
    """Lines as a text of dot."""
    escaped = (printable(line).replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(" ".join(line.split()) for line in escaped) + '"'


def named(key: str) -> str:
    """A key as an identifier of Mermaid."""
    return "n_" + key.replace("-", "_")


def encoded(words: str) -> str:
    """A line as a text of Mermaid."""
    return "".join(ENTITIES.get(letter, letter) for letter in " ".join(printable(words).split()))
