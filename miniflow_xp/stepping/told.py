"""The steps of a pass in words and numbers, which text and page both lay out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from miniflow_xp.drawing.summary import number
from miniflow_xp.node import Input, Node
from miniflow_xp.stepping.formulas import Described, Formula, formula_of
from miniflow_xp.stepping.formulas.formula import signed
from miniflow_xp.stepping.numbers import Place, at, exact, first_places
from miniflow_xp.stepping.record import Arrays, Backward, Forward, Record
from miniflow_xp.stepping.sources import backward_source, forward_source, no_source_told, overrides
from miniflow_xp.stepping.verdicts import Verdict, Wrong

MARKS = {"right": "✓", "wrong": "✗", "unchecked": "?"}


class Named(NamedTuple):
    """An array with what it is called, the node it comes from or goes to, and the elements that are wrong in it."""

    name: str
    node: Node
    array: np.ndarray
    wrong: Mapping[Place, float] = {}


class Handed(NamedTuple):
    """A gradient that is handed on: the rule, with names and for the first elements with numbers."""

    gradient: Named
    rule: str
    lines: list[str]


class Told(NamedTuple):
    """A step. ``direction``: fed, forward or backward; ``nodes``: those that it is about.

    ``formula`` and ``lines``: with names, and with numbers. ``came`` and ``made``: arrays in and out; backward, what
    arrived, and ``total`` the sum of it. ``sources``: {what it is: its text}.
    """

    direction: str
    nodes: Sequence[Node]
    title: str
    formula: str = ""
    lines: Sequence[str] = ()
    came: Sequence[Named] = ()
    made: Sequence[Named] = ()
    total: Named | None = None
    handed: Sequence[Handed] = ()
    sources: Mapping[str, str] = {}
    verdict: Verdict | None = None
    note: str = ""


def told(record: Record, verdicts: Mapping[Node, Verdict]) -> list[Told]:
    """All steps of a pass, in the order in which they are walked."""
    formulas = {step.node: formula(step, record) for step in record.forward}
    forward = [forward_told(step, record, formulas[step.node]) for step in record.forward]
    backward = [
        leaf_told(step, record, verdicts.get(step.node))
        if isinstance(step.node, Input)
        else backward_told(step, record, verdicts.get(step.node), formulas[step.node])
        for step in record.backward
    ]
    return [fed_told(record), *forward, *backward]


def fed_told(record: Record) -> Told:
    """The first step: the leaves."""
    made = [Named(record.names[leaf], leaf, array) for leaf, array in record.fed]
    return Told("fed", [leaf for leaf, _ in record.fed], "What is fed", made=made)


def forward_told(step: Forward, record: Record, found: Formula) -> Told:
    """A node computes its value."""
    node, names = step.node, record.names
    lines = [
        f"{at(names[node], place)} = {text} = {number(step.value[place])}"
        for place in first_places(step.value.shape)
        if (text := found.forward_at(place))
    ]
    lines += more(lines, step.value)
    if isinstance(found, Described):
        lines = list(filter(None, [found.whole()]))
    return Told(
        "forward",
        [node],
        f"{node.kind} {names[node]}",
        f"{names[node]} = {found.forward()}",
        lines,
        named(step.inputs, names),
        [Named(names[node], node, step.value)],
        sources=labelled(node, "forward", "compute", forward_source(node)),
    )


def backward_told(step: Backward, record: Record, verdict: Verdict | None, found: Formula) -> Told:
    """A node sums what arrives, and hands on."""
    node, names = step.node, record.names
    if step.gradient is not None:
        found.gradient = step.gradient
    handed = [handed_told(found, node.inbound_nodes, to, array, names, verdict) for to, array in step.handed]
    return Told(
        "backward",
        [node],
        f"{node.kind} {names[node]}",
        came=arrived(step, names),
        total=total(step, names),
        handed=handed,
        sources=labelled(node, "backward", "vjp", backward_source(node)),
        verdict=verdict,
        note="" if backward_source(node) else no_source_told(node),
    )


def handed_told(
    found: Formula,
    inbound: Sequence[Node],
    to: Node,
    array: np.ndarray,
    names: Mapping[Node, str],
    verdict: Verdict | None,
) -> Handed:
    """What goes on to one inbound node; of one that is read more than once, the sum."""
    ks = [k for k, node in enumerate(inbound) if node is to]
    rule = " + ".join(found.backward(k) for k in ks)
    name = f"∂{names[to]}"
    wrong = wrong_in(to, verdict)
    lines = []
    places = dict.fromkeys([*list(wrong)[:3], *first_places(array.shape)])
    for place in list(places)[:3]:
        terms = [found.backward_at(k, place) for k in ks] if array.shape == taken_shape(found, ks) else [""]
        if all(terms) and (place in wrong or terms != [signed(array[place])]):  # not where it is handed on as it came
            lines.append(f"{at(name, place)} = {' + '.join(terms)}{equals(array, place, wrong)}")
    return Handed(Named(name, to, array, wrong), rule, [*lines, *more(lines, array)])


def taken_shape(found: Formula, ks: Sequence[int]) -> Place:
    """The shape of the input that these numbers stand for."""
    return found.inputs[ks[0]].shape


def equals(array: np.ndarray, place: Place, wrong: Mapping[Place, float]) -> str:
    """The result of a rule at an element; where the node has another one, both."""
    if place in wrong:
        return f" = {number(wrong[place])}, but the node hands on {number(array[place])}"
    return f" = {number(array[place])}"


def leaf_told(step: Backward, record: Record, verdict: Verdict | None) -> Told:
    """The gradient of a leaf is complete."""
    name = record.names[step.node]
    wrong = wrong_in(step.node, verdict)
    whole = [] if step.whole is None else [Named(f"∂{name}", step.node, step.whole, wrong)]
    as_it_came = step.gradient is not None and all(np.array_equal(one.array, step.gradient) for one in whole)
    return Told(
        "backward",
        [step.node],
        f"{step.node.kind} {name}",
        came=arrived(step, record.names),
        total=total(step, record.names),
        made=[] if as_it_came and not wrong else whole,
        verdict=verdict,
        note=f"The gradient of {name} is complete" + (f": {name}.gradients[{name}]." if name.isidentifier() else "."),
    )


def arrived(step: Backward, names: Mapping[Node, str]) -> list[Named]:
    """What each reader handed to a node."""
    return [Named(f"∂{names[step.node]} through {names[reader]}", reader, array) for reader, array in step.arrived]


def total(step: Backward, names: Mapping[Node, str]) -> Named | None:
    """The gradient of a node, once all has arrived."""
    return None if step.gradient is None else Named(f"∂{names[step.node]}", step.node, step.gradient)


def formula(step: Forward, record: Record) -> Formula:
    """The formula of a node."""
    names = record.names
    inputs = [array for _, array in step.inputs]
    return formula_of(step.node, [names[n] for n, _ in step.inputs], names[step.node], inputs, step.value)


def named(arrays: Arrays, names: Mapping[Node, str]) -> list[Named]:
    """Values of nodes with their names, once each."""
    return [Named(names[node], node, array) for node, array in dict(arrays).items()]


def labelled(node: Node, own: str, ours: str, text: str) -> dict[str, str]:
    """{name of the function: its source}."""
    kind = type(node)
    function = getattr(kind, own if overrides(kind, own) else ours)
    return {".".join(function.__qualname__.split(".")[-2:]): text} if text else {}


def more(lines: Sequence[str], array: np.ndarray) -> list[str]:
    """A last line where there are further elements."""
    rest = array.size - len(lines)
    return [f"and {rest} more alike"] if lines and rest > 0 and array.ndim else []


def wrong_in(node: Node, verdict: Verdict | None) -> dict[Place, float]:
    """{element: what it has to be} of the gradient that goes to a node."""
    if verdict is None or not verdict.is_here:
        return {}
    return {one.place: one.expected for one in verdict.wrong if one.node is node}


ALL_RIGHT, SOME_WRONG = "All gradients agree with central differences.", "Wrong in the backward pass:"


def faulty(verdicts: Mapping[Node, Verdict], steps: Sequence[Told]) -> list[tuple[Node, int]]:
    """The nodes that are wrong, each with the number of its step; leaves only where each node alone is right."""
    wrong = [node for node, verdict in verdicts.items() if verdict.word == "wrong"]
    places = {step.nodes[0]: n for n, step in enumerate(steps, 1) if step.direction == "backward"}
    nodes = [node for node in wrong if not isinstance(node, Input)] or wrong
    return [(node, places[node]) for node in nodes]


def all_right(verdicts: Mapping[Node, Verdict]) -> bool:
    """Was everything checked, and is right?"""
    return bool(verdicts) and all(verdict.word == "right" for verdict in verdicts.values())


def judged(verdict: Verdict, names: Mapping[Node, str]) -> list[str]:
    """A verdict in sentences."""
    if verdict.word == "right":
        return [" ".join(filter(None, [f"Right: central differences agree{tried(verdict)}.", verdict.why]))]
    if verdict.word == "unchecked":
        return [f"Not checked: {verdict.why}"]
    lines = [wrong_told(one, names) for one in verdict.wrong[:3]]
    rest = len(verdict.wrong) - 3
    return ["Wrong. " + verdict.why, *lines, *([f"and {rest} more element{'s' * (rest > 1)}"] if rest > 0 else [])]


def tried(verdict: Verdict) -> str:
    """How many elements were tried, where it was not all."""
    return f" at the {verdict.tried} elements of {verdict.all} that were tried" if verdict.tried < verdict.all else ""


def wrong_told(one: Wrong, names: Mapping[Node, str]) -> str:
    """An element that is wrong."""
    place = at(f"∂{names[one.node]}", one.place)
    return f"{place} is {exact(one.got)}, and central differences give {exact(one.expected)}."
