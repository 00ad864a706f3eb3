"""Is what each node handed on right? The verdict of ``gradcheck``, at the gradients that arrived in this very pass."""

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from math import prod
from typing import NamedTuple

import numpy as np

from miniflow_xp import dtypes
from miniflow_xp.backend import Backend
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.errors import MiniflowError
from miniflow_xp.gradcheck.differences import Checker, Difference, passed_in_float64
from miniflow_xp.gradcheck.symmetric import Place
from miniflow_xp.node import Input, Node
from miniflow_xp.stepping.record import Backward, Record
from miniflow_xp.switch import get_backend

RTOL, ATOL = 1e-5, 1e-7  # gradcheck's own
MOST, LEAST = 100, 2
"""How many elements of an input are tried."""

NUMBERS, CALL = 20_000_000, 2_000
"""How many numbers all tries together may compute, by which there are fewer; to run a node counts as much as CALL."""

SMALL = 1e-2
"""An arriving gradient of less, relative to 1 or the largest, may hide a mistake under the tolerance."""

KINK = 1e-3
"""Quotients to the two sides that differ by more, relative to 1 or their size, are those of a kink: else by about h."""


NOT_REAL = "differences are taken of real floats, and there are none."


class Wrong(NamedTuple):
    """An element of what a node hands on to ``node``: what it is, and what it has to be."""

    node: Node
    place: Place
    got: float
    expected: float


class Verdict(NamedTuple):
    """``word``: right, wrong, or unchecked; ``wrong``: the elements that differ; ``why``: a sentence about it.

    ``tried`` of ``all`` elements were compared. ``is_here``: do the numbers belong to the gradient of this pass? Or to
    another one, which shows what this one hides.
    """

    word: str
    wrong: list[Wrong]
    why: str
    tried: int = 0
    all: int = 0
    is_here: bool = True


def verdicts(record: Record) -> dict[Node, Verdict]:
    """The verdict of each node of the backward pass: of a leaf, on its whole gradient."""
    backend = get_backend()
    try:
        with passed_in_float64(record.graph, record.feed, backend):
            share = NUMBERS // max(1, len(record.backward))
            walked = {step.node for step in record.backward}
            nodes = [step for step in record.backward if not is_leaf(step.node)]
            found = {step.node: of_node(step, backend, share, walked) for step in nodes}
            astray = [node for node, verdict in found.items() if verdict.word == "wrong"]
            for step in record.backward:
                if is_leaf(step.node):
                    found[step.node] = of_leaf(step, record, backend, share, astray)
    except MiniflowError as error:  # no float64, or a value that is not finite
        return {step.node: Verdict("unchecked", [], str(error)) for step in record.backward}
    return found


def is_leaf(node: Node) -> bool:
    """Does it hand nothing on?"""
    return isinstance(node, Input)


def checker(backend: Backend, elements: int) -> Checker:
    """A check like that of ``gradcheck``, always of the same elements."""
    return Checker(backend, RTOL, ATOL, max(LEAST, min(MOST, elements)), 0, [])


def of_node(step: Backward, backend: Backend, share: int, walked: Collection[Node]) -> Verdict:
    """The node alone: at the gradient that arrived, and where that shows nothing, at another one.

    To all that are ``walked`` it has to hand something on; nothing counts as 0.
    """
    node, inputs = step.node, real([n for n in dict.fromkeys(step.node.inbound_nodes) if n in walked])
    if not inputs:
        return Verdict("unchecked", [], NOT_REAL)
    misfit = next((f for inbound, given in step.handed if (f := misshapen(inbound, given))), "")
    if misfit:
        return Verdict("wrong", [], misfit)
    try:
        check = partial(checker, backend, share // numbers_in(node))
        found = list(check().differences(node, [node], inputs, step.gradient))
        wrong, kinks = sorted_out(found)
        if wrong:
            return Verdict("wrong", wrong, "")
        if step.gradient is not None and hides(step.gradient):
            elsewhere, _ = sorted_out(check().differences(node, [node], inputs))
            if elsewhere:
                why = "Right here, but not where another gradient arrives:"
                return Verdict("wrong", elsewhere, why, is_here=False)
    except Exception as error:  # whatever a learner's backward raises when it is run alone
        return Verdict("unchecked", [], f"Run alone, it raised {type(error).__name__}: {error}")
    return Verdict("right", [], kink_told(kinks), *counted(check(), inputs))


def hides(gradient: np.ndarray) -> bool:
    """Are some of these so small that what is wrong there would not show?"""
    sizes = abs(gradient)
    return bool(sizes.size) and bool(sizes.min() < SMALL * max(1.0, sizes.max()))


def of_leaf(step: Backward, record: Record, backend: Backend, share: int, astray: Sequence[Node]) -> Verdict:
    """The whole gradient of a leaf: through the whole graph."""
    if not real([step.node]):
        return Verdict("unchecked", [], NOT_REAL)
    cost = record.graph[-1]
    path = [node for node in record.graph if not isinstance(node, Input)]
    seed = record.backward[0].gradient
    try:
        check = checker(backend, share // sum(map(numbers_in, path)))
        found = list(check.differences(cost, path, [step.node], seed))
    except Exception as error:  # as above
        return Verdict("unchecked", [], f"The pass, run again, raised {type(error).__name__}: {error}")
    wrong, kinks = sorted_out(found)
    if not wrong:
        return Verdict("right", [], kink_told(kinks), *counted(check, [step.node]))
    names = ", ".join(record.names[node] for node in astray)
    why = f"It comes through {names}, which is wrong." if len(astray) == 1 else f"It comes through {names}: all wrong."
    alone = "Each node alone is right: look at how their gradients are added up."
    return Verdict("wrong", wrong, why if astray else alone)


def real(nodes: Sequence[Node]) -> list[Node]:
    """Those whose values are real floats."""
    return [node for node in nodes if dtypes.is_float(node.value)]


def counted(check: Checker, inputs: Sequence[Node]) -> tuple[int, int]:
    """How many elements are tried, of how many."""
    sizes = [prod(shape_of(node.value)) for node in inputs]
    return sum(min(size, check.elements or size) for size in sizes), sum(sizes)


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
