"""Is what each node handed on right? The verdict of ``gradcheck``, at the gradients that arrived in this very pass."""

from collections.abc import Iterable, Sequence
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.errors import MiniflowError
from miniflow_xp.gradcheck.differences import Checker, Difference, passed_in_float64
from miniflow_xp.gradcheck.symmetric import Place
from miniflow_xp.node import Input, Node
from miniflow_xp.stepping.record import Backward, Record
from miniflow_xp.switch import get_backend

RTOL, ATOL = 1e-5, 1e-7  # gradcheck's own
MOST, LEAST, NUMBERS, CALL = 100, 2, 2_000_000, 2_000
"""How many elements of an input are tried: fewer where these tries would compute more than so many numbers; running a
node counts as much as CALL of them."""

SMALL = 1e-2
"""An arriving gradient of less, relative to 1 or the largest, may hide a mistake under the tolerance."""

KINK = 1e-3
"""Quotients to the two sides that differ by more, relative to 1 or their size, are those of a kink: else by about h."""


class Wrong(NamedTuple):
    """An element of what a node hands on to ``node``: what it is, and what it has to be."""

    node: Node
    place: Place
    got: float
    expected: float


class Verdict(NamedTuple):
    """``word``: right, wrong, or unchecked; ``wrong``: the elements that differ; ``why``: a sentence about it."""

    word: str
    wrong: list[Wrong]
    why: str


def verdicts(record: Record) -> dict[Node, Verdict]:
    """The verdict of each node of the backward pass: of a leaf, on its whole gradient."""
    backend = get_backend()
    try:
        with passed_in_float64(record.graph, record.feed, backend):
            found = {step.node: of_node(step, backend) for step in record.backward if not is_leaf(step.node)}
            astray = [node for node, verdict in found.items() if verdict.word == "wrong"]
            for step in record.backward:
                if is_leaf(step.node):
                    found[step.node] = of_leaf(step, record, backend, astray)
    except MiniflowError as error:  # no float64, or a value that is not finite
        return {step.node: Verdict("unchecked", [], str(error)) for step in record.backward}
    return found


def is_leaf(node: Node) -> bool:
    """Does it hand nothing on?"""
    return isinstance(node, Input)


def checker(backend: Backend, numbers: int) -> Checker:
    """A check like that of ``gradcheck``, always of the same elements; ``numbers``: how many one try computes."""
    return Checker(backend, RTOL, ATOL, max(LEAST, min(MOST, NUMBERS // max(1, numbers))), 0, [])


def of_node(step: Backward, backend: Backend) -> Verdict:
    """The node alone: at the gradient that arrived, and where that shows nothing, at another one."""
    node, inputs = step.node, [inbound for inbound, _ in step.handed]
    misfit = next((f for inbound, given in step.handed if (f := misshapen(inbound, given))), "")
    if misfit:
        return Verdict("wrong", [], misfit)
    try:
        check = partial(checker, backend, numbers_in(node))
        found = list(check().differences(node, [node], inputs, step.gradient))
        wrong, kinks = sorted_out(found)
        if wrong:
            return Verdict("wrong", wrong, "")
        if step.gradient is not None and hides(step.gradient):
            elsewhere, _ = sorted_out(check().differences(node, [node], inputs))
            if elsewhere:
                return Verdict("wrong", elsewhere, "Right here, but not at another arriving gradient:")
    except Exception as error:  # whatever a learner's backward raises when it is run alone
        return Verdict("unchecked", [], f"Run alone, it raised {type(error).__name__}: {error}")
    return Verdict("right", [], kink_told(kinks))


def hides(gradient: np.ndarray) -> bool:
    """Are some of these so small that what is wrong there would not show?"""
    sizes = abs(gradient)
    return bool(sizes.size) and bool(sizes.min() < SMALL * max(1.0, sizes.max()))


def of_leaf(step: Backward, record: Record, backend: Backend, astray: Sequence[Node]) -> Verdict:
    """The whole gradient of a leaf: through the whole graph."""
    cost = record.graph[-1]
    path = [node for node in record.graph if not isinstance(node, Input)]
    seed = record.backward[0].gradient
    try:
        check = checker(backend, sum(map(numbers_in, path)))
        found = list(check.differences(cost, path, [step.node], seed))
    except Exception as error:  # as above
        return Verdict("unchecked", [], f"The pass, run again, raised {type(error).__name__}: {error}")
    wrong, kinks = sorted_out(found)
    if not wrong:
        return Verdict("right", [], kink_told(kinks))
    names = ", ".join(record.names[node] for node in astray)
    why = f"It comes through {names}, which is wrong." if len(astray) == 1 else f"It comes through {names}: all wrong."
    alone = "Each node alone is right: look at how their gradients are added up."
    return Verdict("wrong", wrong, why if astray else alone)


def numbers_in(node: Node) -> int:
    """How much it is to run a node: the numbers that it reads and computes, and the call."""
    return CALL + sum(prod(shape_of(n.value)) for n in (node, *node.inbound_nodes) if hasattr(n.value, "shape"))


def misshapen(inbound: Node, given: np.ndarray) -> str:
    """A sentence where a gradient has not as many elements as the value; a column of a vector is as in the lesson."""
    shape = shape_of(inbound.value)
    if given.size == prod(shape):
        return ""
    return f"It hands on a gradient of shape {given.shape}, and the value there has shape {shape}."


def sorted_out(found: Iterable[Difference]) -> tuple[list[Wrong], int]:
    """The elements that are wrong, and how many stand at a kink: any slope between those of both sides is right."""
    wrong, kinks = [], 0
    for one in found:
        low, high = sorted(one.sides)
        slack = KINK * max(1.0, abs(low), abs(high))
        if high - low > slack and low - slack <= one.got <= high + slack:
            kinks += 1
        else:
            wrong.append(Wrong(one.node, one.places[0], one.got, one.expected))
    return wrong, kinks


def kink_told(kinks: int) -> str:
    """A sentence about elements at a kink."""
    if not kinks:
        return ""
    many = "One element stands" if kinks == 1 else f"{kinks} elements stand"
    return f"{many} at a kink, where any slope between those of the two sides is right."
